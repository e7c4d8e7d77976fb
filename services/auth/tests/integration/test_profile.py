"""GET /users/me."""

from uuid import uuid4

import httpx
import pytest
from services.auth.tests.conftest import Person, Sql

from servicekit import testing

pytestmark = pytest.mark.integration


async def test_it_shows_the_account(ada: Person) -> None:
    answer = await ada.me((await ada.login())["access_token"])
    body = answer.json()
    assert body.pop("created_at").endswith("Z")
    assert body.pop("id")
    assert body == {
        "email": "ada@example.com",
        "email_verified": False,
        "name": "Ada Lovelace",
        "roles": ["user"],
        "mfa_enabled": False,
    }
    assert answer.headers["cache-control"] == "private, no-store"


async def test_it_has_a_strong_tag_that_changes_with_it(ada: Person, sql: Sql) -> None:
    token = (await ada.login())["access_token"]
    tag = (await ada.me(token)).headers["etag"]
    conditional = {**testing.bearer(token), "If-None-Match": tag}
    assert tag.startswith('"')
    same = await ada.client.get("/api/v1/users/me", headers=conditional)
    assert (same.status_code, same.content) == (304, b"")
    await sql("UPDATE account SET name = 'Augusta'")
    assert (await ada.client.get("/api/v1/users/me", headers=conditional)).json()["name"] == "Augusta"


async def test_nobody_without_a_token_and_nobody_who_is_gone(ada: Person, client: httpx.AsyncClient, sql: Sql) -> None:
    anonymous = await client.get("/api/v1/users/me")
    assert (anonymous.status_code, anonymous.json()["code"]) == (401, "unauthenticated")
    assert anonymous.headers["www-authenticate"] == "Bearer"
    token = (await ada.login())["access_token"]
    await sql("DELETE FROM account")
    assert (await ada.me(token)).status_code == 401


async def test_a_token_of_another_signer_is_refused(client: httpx.AsyncClient) -> None:
    from auth_service.settings import Settings

    forged = testing.make_token(uuid4(), ["admin"], Settings.example())
    assert (await client.get("/api/v1/users/me", headers=testing.bearer(forged))).status_code == 401
