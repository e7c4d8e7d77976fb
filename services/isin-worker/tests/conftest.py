import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

import isin_worker
from isin_worker.compose import open_reconciler
from isin_worker.main import create_app
from isin_worker.reconcile import Reconciler
from isin_worker.settings import Settings
from isin_worker.testing import Publisher, make_list, make_row
from servicekit import testing
from servicekit.jobs import SilentRinger

FEED = "nse-equity"


@pytest.fixture(scope="session")
async def database_url() -> str:
    return await testing.create_database(isin_worker.__file__, "isin")


@pytest.fixture(scope="session")
async def publisher_server() -> AsyncIterator[Publisher]:
    async with Publisher().serving() as publisher:
        yield publisher


@pytest.fixture(scope="session")
def settings(database_url: str, publisher_server: Publisher, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(
        environment="test",
        database_url=database_url,
        database_pool_size=30,
        cursor_secret=testing.TEST_SECRET,
        redis_url=os.environ["APPRAISE_TEST_VALKEY_URL"],
        feed_urls={FEED: publisher_server.url},
        private_hosts={"127.0.0.1"},
        spool_dir=tmp_path_factory.mktemp("spool"),
        lease_seconds=30,
        max_attempts=3,
        backoff_seconds=0.01,
    )


@pytest.fixture(scope="session")
def bell() -> SilentRinger:
    return SilentRinger()


@pytest.fixture(scope="session")
async def app(settings: Settings, bell: SilentRinger) -> AsyncIterator[FastAPI]:
    async with testing.running(create_app(settings, keys=testing.test_keys(), bell=bell)) as running:
        yield running


@pytest.fixture(scope="session")
async def open_reconcilers(settings: Settings) -> AsyncIterator[Callable[..., Awaitable[Reconciler]]]:
    async with AsyncExitStack() as stack:

        async def another(**changes: Any) -> Reconciler:
            return await open_reconciler(settings.model_copy(update=changes), stack)

        yield another


@pytest.fixture
async def publisher(publisher_server: Publisher) -> Publisher:
    publisher_server.reset()
    return publisher_server


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    await testing.empty_tables(database_url)
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture(scope="session")
async def patient(open_reconcilers: Callable[..., Awaitable[Reconciler]]) -> Reconciler:
    return await open_reconcilers(backoff_seconds=3600)


@pytest.fixture
async def reconciler(patient: Reconciler, db: asyncpg.Connection) -> Reconciler:
    """A reconciler on empty tables; what failed is not tried again at once."""
    return patient


@pytest.fixture
async def as_user(
    app: FastAPI, db: asyncpg.Connection, settings: Settings
) -> AsyncIterator[Callable[..., httpx.AsyncClient]]:
    async with AsyncExitStack() as stack:

        def client(*roles: str) -> httpx.AsyncClient:
            token = testing.make_token(uuid4(), ["user", *roles], settings)
            opened = testing.client_of(app, token)
            stack.push_async_callback(opened.aclose)
            return opened

        yield client


@pytest.fixture
def user(as_user: Callable[..., httpx.AsyncClient]) -> httpx.AsyncClient:
    return as_user()


@pytest.fixture
def admin(as_user: Callable[..., httpx.AsyncClient]) -> httpx.AsyncClient:
    return as_user("admin")


@pytest.fixture
async def published(reconciler: Reconciler, publisher: Publisher) -> date:
    """Five companies stand on the list; the business date."""
    names = ["Alpha Motors Limited", "Beta Motors Limited", "Gamma Cement Limited", "Delta & Sons", "Omega O'Neil"]
    publisher.content = make_list(make_row(number, name) for number, name in enumerate(names))
    (visit,) = await reconciler.reconcile()
    return visit.run.business_date


@pytest.fixture
def environment(settings: Settings, tmp_path: Path) -> dict[str, str]:
    """What a process of this service is started with."""
    assert settings.redis_url is not None
    return {
        "PATH": os.environ["PATH"],
        "APPRAISE_VAR": str(tmp_path),  # no local stack, whatever runs beside the tests
        "ISIN_ENVIRONMENT": "test",
        "ISIN_DATABASE_URL": settings.database_url.get_secret_value(),
        "ISIN_CURSOR_SECRET": testing.TEST_SECRET,
        "ISIN_REDIS_URL": settings.redis_url.get_secret_value(),
        "ISIN_FEED_URLS": f'{{"{FEED}": "{settings.feed_urls[FEED]}"}}',
        "ISIN_PRIVATE_HOSTS": '["127.0.0.1"]',
        "ISIN_SPOOL_DIR": str(settings.spool_dir),
    }


@pytest.fixture
def spool(settings: Settings) -> Path:
    return settings.spool_dir
