"""What has expired goes; what is needed stays."""

import pytest
from fastapi import FastAPI
from services.auth.tests.conftest import Person, Sql

from auth_service.services.housekeeping import Housekeeping
from servicekit import testing

pytestmark = pytest.mark.integration

COUNTS = (
    "SELECT (SELECT count(*) FROM account) AS accounts, (SELECT count(*) FROM login_session) AS sessions, "
    "(SELECT count(*) FROM refresh_token) AS tokens, (SELECT count(*) FROM email_verification) AS links, "
    "(SELECT count(*) FROM outbox_mail) AS mails, "
    "(SELECT count(*) FROM revoked_session WHERE expires_at < now()) AS revocations"
)


async def test_living_things_stay(ada: Person, app: FastAPI, sql: Sql) -> None:
    tokens = await ada.login()
    ended = await ada.login()
    await ada.client.post("/api/v1/auth/logout", headers=testing.bearer(ended["access_token"]))
    before = await sql(COUNTS)
    await Housekeeping(app.state.database).tidy()
    assert await sql(COUNTS) == before
    assert (await ada.refresh(tokens["refresh_token"])).status_code == 200


async def test_expired_things_go(ada: Person, app: FastAPI, sql: Sql) -> None:
    ended = await ada.login()
    await ada.client.post("/api/v1/auth/logout", headers=testing.bearer(ended["access_token"]))
    await ada.login()
    await sql("UPDATE login_session SET revoked_at = revoked_at - interval '8 days'")
    await sql("UPDATE login_session SET expires_at = now() - interval '1 second' WHERE revoked_at IS NULL")
    await sql("UPDATE email_verification SET expires_at = now() - interval '1 second'")
    await sql("UPDATE revoked_session SET expires_at = now() - interval '1 second'")
    await sql("UPDATE outbox_mail SET created_at = now() - interval '25 hours'")

    await Housekeeping(app.state.database).tidy()

    (row,) = await sql(COUNTS)
    assert dict(row) == {"accounts": 1, "sessions": 0, "tokens": 0, "links": 0, "mails": 0, "revocations": 0}
