"""The catalogue in process, on a real database; each test begins with the seeded categories and nothing else."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

import catalog_service
from catalog_service.main import create_app
from catalog_service.settings import Settings
from servicekit import testing

AsUser = Callable[..., httpx.AsyncClient]


@pytest.fixture(scope="session")
async def database_url() -> str:
    return await testing.create_database(str(catalog_service.__file__), "catalog")


@pytest.fixture(scope="session")
def settings(database_url: str) -> Settings:
    return Settings.model_validate(
        {
            "environment": "test",
            "database_url": database_url,
            "database_pool_size": 20,
            "cursor_secret": testing.TEST_SECRET,
            "blob_url": "memory:///",
        }
    )


@pytest.fixture(scope="session")
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    async with testing.running(create_app(settings, keys=testing.test_keys())) as running:
        yield running


@pytest.fixture
async def as_user(app: FastAPI, settings: Settings, database_url: str) -> AsyncIterator[AsUser]:
    """``as_user("admin")``: a client signed in with these roles; ``as_user(None)``: one that is not signed in."""
    await testing.empty_tables(database_url, keep=["category"])
    async with AsyncExitStack() as clients:

        def new_client(*roles: str | None) -> httpx.AsyncClient:
            token = None if roles == (None,) else testing.make_token(uuid4(), [str(role) for role in roles], settings)
            client = testing.client_of(app, token)
            clients.push_async_callback(client.aclose)
            return client

        yield new_client


@pytest.fixture
def admin(as_user: AsUser) -> httpx.AsyncClient:
    return as_user("admin")


@pytest.fixture
def anyone(as_user: AsUser) -> httpx.AsyncClient:
    return as_user(None)


@pytest.fixture
def add_app(admin: httpx.AsyncClient) -> Callable[..., Any]:
    """Adds an app and publishes it unless told otherwise; gives its representation."""

    async def add(package_name: str = "org.example.Reader", *, publish: bool = True, **fields: Any) -> dict[str, Any]:
        body = {"package_name": package_name, "name": "Reader", "points": 250, **fields}
        answer = await admin.post("/api/v1/apps", json=body)
        assert answer.status_code == 201, answer.text
        if publish:
            answer = await admin.post(f"{answer.headers['Location']}/publish")
            assert answer.status_code == 200, answer.text
        app: dict[str, Any] = answer.json()
        return app

    return add
