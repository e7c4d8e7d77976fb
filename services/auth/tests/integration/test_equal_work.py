"""Known and unknown addresses cost the same work, so time tells nothing. (`bench/auth_service_trials.py` clocks it.)"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
from fastapi import FastAPI
from services.auth.tests.conftest import MailFolder, Person, Sql, register
from services.auth.tests.integration.test_throttling import attempt
from sqlalchemy import event
from structlog.contextvars import get_contextvars

pytestmark = pytest.mark.integration

Request = Callable[[str], Awaitable[httpx.Response]]


@contextmanager
def statements(app: FastAPI) -> Iterator[list[str]]:
    """The kinds of statements that requests send to the database; what runs in the background has no request's id."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        words = statement.split()
        if "request_id" in get_contextvars():
            seen.append(words[0] if words[0] == "SELECT" else " ".join(words[:3]))

    engine = app.state.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def work_of(app: FastAPI, mails: MailFolder, sql: Sql, request: Request, email: str) -> list[str]:
    await sql("DELETE FROM throttle_bucket")
    await mails.to(email)  # what waits is delivered, and does not mix with what follows
    with statements(app) as seen:
        await request(email)
    return seen


async def test_a_refused_sign_in(ada: Person, app: FastAPI, mails: MailFolder, sql: Sql) -> None:
    async def login(email: str) -> httpx.Response:
        return await attempt(ada.client, email)

    known = await work_of(app, mails, sql, login, ada.address)
    assert known == await work_of(app, mails, sql, login, "eve@example.com")
    await sql("UPDATE account SET disabled_at = now()")
    assert known == await work_of(app, mails, sql, login, ada.address)


async def test_a_forgotten_password(ada: Person, app: FastAPI, mails: MailFolder, sql: Sql) -> None:
    async def forgot(email: str) -> httpx.Response:
        return await ada.client.post("/api/v1/auth/password/forgot", json={"email": email})

    app.state.mailer.wake = lambda: None  # the mail is written later, out of the asker's sight
    try:
        known = await work_of(app, mails, sql, forgot, ada.address)
        assert known == await work_of(app, mails, sql, forgot, "eve@example.com")
    finally:
        del app.state.mailer.wake
    assert len(known) == 2


async def test_a_registration(ada: Person, app: FastAPI, mails: MailFolder, sql: Sql) -> None:
    async def again(email: str) -> httpx.Response:
        return await register(ada.client, email)

    app.state.mailer.wake = lambda: None
    try:
        new = await work_of(app, mails, sql, again, "eve@example.com")
        unproven = await work_of(app, mails, sql, again, ada.address)
        await sql("UPDATE account SET email_verified_at = now()")
        proven = await work_of(app, mails, sql, again, ada.address)
    finally:
        del app.state.mailer.wake
    # A look-up in the place of the link, or beside it: three writes and more, committed together, in each case.
    assert len(new) == len(proven) == len(unproven) - 1
