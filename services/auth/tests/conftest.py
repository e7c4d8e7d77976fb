"""The application in process, on a database and a mail folder of its own."""

import email
import email.policy
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

import auth_service
from auth_service.main import create_app
from auth_service.settings import Settings
from servicekit import testing

PASSWORD = "a long and easy sentence"
LINK = re.compile(r"^http://pages\.test/(?:verify-email|reset-password)\?token=([A-Za-z0-9_-]{43})$", re.MULTILINE)

Sql = Callable[..., Awaitable[list[asyncpg.Record]]]


@pytest.fixture(scope="session")
async def database_url() -> str:
    return await testing.create_database(auth_service.__file__, "auth")


@pytest.fixture(scope="session")
def settings(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings.model_validate(
        {
            "environment": "test",
            "database_url": database_url,
            "database_pool_size": 25,
            "cursor_secret": testing.TEST_SECRET,
            "signing_key_secret": testing.TEST_SECRET,
            "mail_dir": tmp_path_factory.mktemp("mail"),
            "web_url": "http://pages.test/",
        }
    )


@pytest.fixture(scope="session")
async def _app(settings: Settings) -> AsyncIterator[FastAPI]:
    async with testing.running(create_app(settings)) as app:
        yield app


@pytest.fixture
async def app(_app: FastAPI, settings: Settings, database_url: str) -> FastAPI:
    """The running application, with no accounts and no mails."""
    await testing.empty_tables(database_url, keep=("signing_key", "revoked_session"))
    await _app.state.mailer.deliver()  # waits for a delivery under way
    assert settings.mail_dir is not None
    for mail in settings.mail_dir.iterdir():
        mail.unlink()
    return _app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with testing.client_of(app) as client:
        yield client


@pytest.fixture
def sql(app: FastAPI, database_url: str) -> Sql:
    """Looks behind the service, or lets time pass for it."""

    async def run(statement: str, *values: object) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(database_url)
        try:
            rows: list[asyncpg.Record] = await connection.fetch(statement, *values)
        finally:
            await connection.close()
        return rows

    return run


@dataclass(frozen=True)
class MailFolder:
    """The mails that arrived."""

    app: FastAPI
    folder: Path

    async def to(self, address: str) -> list[EmailMessage]:
        """Every mail to the address, oldest first."""
        await self.app.state.mailer.deliver()
        mails = [
            email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            for path in sorted(self.folder.glob("*.eml"))
        ]
        return [mail for mail in mails if mail["To"] == address]

    async def token(self, address: str) -> str:
        """The token of the link in the newest mail."""
        found = LINK.search(text_of((await self.to(address))[-1]))
        assert found, "the mail has no link"
        return found.group(1)


def text_of(mail: EmailMessage) -> str:
    """The plain text of a mail."""
    part = mail.get_body(("plain",))
    assert isinstance(part, EmailMessage)
    text: str = part.get_content().replace("\r\n", "\n")
    return text


@pytest.fixture
def mails(app: FastAPI, settings: Settings) -> MailFolder:
    assert settings.mail_dir is not None
    return MailFolder(app, settings.mail_dir)


@dataclass(frozen=True)
class Person:
    """Somebody with an account."""

    client: httpx.AsyncClient
    address: str

    async def login(self, password: str = PASSWORD) -> dict[str, Any]:
        """Sign in: the tokens."""
        answer = await self.client.post("/api/v1/auth/login", json={"email": self.address, "password": password})
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    async def me(self, access_token: str) -> httpx.Response:
        """Ask who I am."""
        return await self.client.get("/api/v1/users/me", headers=testing.bearer(access_token))

    async def call(self, verb: str, path: str, tokens: dict[str, Any], **body: object) -> httpx.Response:
        """Ask anything, signed in."""
        sent = {"json": body} if body else {}
        return await self.client.request(verb, f"/api/v1{path}", headers=testing.bearer(tokens["access_token"]), **sent)

    async def refresh(self, refresh_token: str) -> httpx.Response:
        """Change a refresh token for the next pair."""
        return await self.client.post("/api/v1/auth/refresh", json={"refresh_token": refresh_token})


async def register(client: httpx.AsyncClient, address: str, **changes: str) -> httpx.Response:
    """Ask for an account."""
    body = {"email": address, "password": PASSWORD, "name": "Ada Lovelace", **changes}
    return await client.post("/api/v1/auth/register", json=body)


@pytest.fixture
async def ada(client: httpx.AsyncClient) -> Person:
    """Somebody who has registered, and not verified the address yet."""
    assert (await register(client, "ada@example.com")).status_code == 202
    return Person(client, "ada@example.com")
