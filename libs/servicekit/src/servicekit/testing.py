"""A pytest plugin: a real database for each service and worker, the application in process, and tokens to call it with.

The root ``conftest.py`` starts the servers and says where they are in ``APPRAISE_TEST_POSTGRES_URL`` and
``APPRAISE_TEST_VALKEY_URL``. A service's ``conftest.py`` builds its fixtures from the functions here.

Between two tests all tables are emptied, with the triggers off that forbid it: tests see real commits, and so do races.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import asyncpg
import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from servicekit import migrations
from servicekit.settings import TokenSettings
from servicekit.tokens import ALGORITHM, TOKEN_TYPE, StaticKeys

TEST_SECRET = "a-secret-of-the-tests-0123456789-abcdefghij"  # noqa: S105 - of the tests
KEY_ID = "test-key"
TRUNCATE_TRIES = 5
_PRIVATE_KEY = Ed25519PrivateKey.generate()

TokenMaker = Callable[..., str]


def test_keys() -> StaticKeys:
    """The public key that checks the tokens of ``make_token``."""
    return StaticKeys({KEY_ID: _PRIVATE_KEY.public_key()})


test_keys.__test__ = False  # type: ignore[attr-defined]  # not a test, in spite of its name


def make_token(user_id: UUID, roles: Iterable[str], settings: TokenSettings, *, email_verified: bool = True) -> str:
    """A valid access token."""
    now = int(time.time())
    claims = {
        "iss": settings.token_issuer,
        "aud": settings.token_audience,
        "iat": now,
        "exp": now + 600,
        "jti": str(uuid4()),
        "sub": str(user_id),
        "sid": str(uuid4()),
        "roles": sorted(roles),
        "email_verified": email_verified,
    }
    return jwt.encode(claims, _PRIVATE_KEY, algorithm=ALGORITHM, headers={"typ": TOKEN_TYPE, "kid": KEY_ID})


def bearer(token: str) -> dict[str, str]:
    """The header that carries an access token."""
    return {"Authorization": f"Bearer {token}"}


def _admin_url() -> str:
    url = os.environ.get("APPRAISE_TEST_POSTGRES_URL")
    if not url:
        pytest.fail("APPRAISE_TEST_POSTGRES_URL is not set: the root conftest.py starts the server")
    return url


def _database_url(name: str) -> str:
    return urlunsplit(urlsplit(_admin_url())._replace(path=f"/{name}"))


async def create_database(package_file: str, name: str) -> str:
    """A fresh database with the package's migrations run; one for each xdist worker. Returns its URL."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    database = f"{name}_{worker}_{os.getpid()}"
    admin = await asyncpg.connect(_admin_url())
    try:
        await admin.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
        await admin.execute(f'CREATE DATABASE "{database}"')
    finally:
        await admin.close()
    url = _database_url(database)
    # Alembic runs a loop of its own.
    await asyncio.to_thread(migrations.upgrade, package_file, url)
    return url


async def empty_tables(url: str, *, keep: Iterable[str] = ()) -> None:
    """Empty every table but Alembic's own and ``keep`` (what migrations fill), whatever triggers guard it."""
    connection = await asyncpg.connect(url)
    try:
        kept = ["alembic_version", *keep]
        query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND NOT tablename = ANY($1::text[])"
        tables = [f'"{row["tablename"]}"' for row in await connection.fetch(query, kept)]
        if tables:
            await connection.execute("SET session_replication_role = replica")
            await _truncate(connection, tables)
    finally:
        await connection.close()


async def _truncate(connection: asyncpg.Connection, tables: list[str]) -> None:
    statement = f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE"
    for _ in range(TRUNCATE_TRIES - 1):
        try:
            await connection.execute(statement)
        except asyncpg.DeadlockDetectedError:  # background work of the application took the tables in another order
            continue
        return
    await connection.execute(statement)


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[FastAPI]:
    """The application with its real lifespan."""
    async with app.router.lifespan_context(app):
        yield app


def client_of(app: FastAPI, token: str | None = None) -> httpx.AsyncClient:
    """A client that calls the application in process, signed in when a token is given."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    headers = bearer(token) if token else {}
    return httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)
