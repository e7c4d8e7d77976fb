"""The pages in process, over a fake of the API and a real Valkey."""

import os
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from api_for_pages import FakeApi
from fastapi import FastAPI
from plain_browser import Browser
from redis.asyncio import Redis

from servicekit.testing import TEST_SECRET, running
from web.main import create_app
from web.settings import Settings


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def undo_seconds() -> int:
    """How long decisions can be taken back; a test that needs time for it says so."""
    return 0


@pytest.fixture
def settings(undo_seconds: int) -> Settings:
    # A database of its own for each worker: pages send what they find there, also for another process.
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    url = urlsplit(os.environ["APPRAISE_TEST_VALKEY_URL"])._replace(path=f"/{int(worker) % 16}").geturl()
    return Settings(
        environment="test",
        api_url="http://api.test",
        redis_url=url,
        session_secret=TEST_SECRET,
        undo_seconds=undo_seconds,
    )


@pytest.fixture
async def app(api: FakeApi, settings: Settings) -> AsyncIterator[FastAPI]:
    async with running(create_app(settings, api_transport=api.transport)) as application:
        yield application


@pytest.fixture
async def valkey(settings: Settings) -> AsyncIterator[Redis]:
    client = Redis.from_url(settings.redis_url.get_secret_value())
    yield client
    await client.aclose()


@pytest.fixture
def browser(app: FastAPI) -> Browser:
    return Browser(app)


@pytest.fixture
async def ada(app: FastAPI) -> Browser:
    return await Browser(app).sign_in()


@pytest.fixture
async def reviewer(app: FastAPI) -> Browser:
    return await Browser(app).sign_in("rea@example.org")


@pytest.fixture
async def admin(app: FastAPI) -> Browser:
    return await Browser(app).sign_in("adam@example.org")
