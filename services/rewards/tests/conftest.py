"""The service in process, on a real database, with the fakes of its siblings."""

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from PIL import Image
from sqlalchemy import event

import rewards_service
from media.picture import Picture
from media.processor import PictureProcessor
from media.testing import BUCKET, s3_server, s3_variables
from rewards_service.clients.accounts import AccountInfo, FakeAccounts
from rewards_service.clients.catalog import CatalogApp, FakeCatalog
from rewards_service.main import create_app
from rewards_service.settings import Settings
from servicekit import migrations, testing


def png(width: int = 360, height: int = 640, colour: tuple[int, int, int] = (20, 90, 160)) -> bytes:
    """A plain picture."""
    content = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(content, "PNG")
    return content.getvalue()


class RememberingProcessor(PictureProcessor):
    """The real one, which does not make the same picture twice: most tests send the same one."""

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[bytes, Picture] = {}

    async def process(self, file: BinaryIO) -> Picture:
        file.seek(0)
        content = file.read()
        if content not in self._made:
            self._made[content] = await super().process(file)
        return self._made[content]


class Person:
    """Somebody signed in, and what they do through the API."""

    def __init__(self, client: httpx.AsyncClient, user_id: UUID) -> None:
        self.client = client
        self.id = user_id

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.client.get(path, **options)

    async def post(self, path: str, *, key: str | None = None, **options: Any) -> httpx.Response:
        headers = {"Idempotency-Key": key or str(uuid4()), **options.pop("headers", {})}
        return await self.client.post(path, headers=headers, **options)

    async def start(self, app: CatalogApp, key: str | None = None) -> httpx.Response:
        return await self.post("/api/v1/tasks", key=key, json={"app_id": str(app.id)})

    async def send_proof(self, task_id: str, content: bytes | None = None, key: str | None = None) -> httpx.Response:
        files = {"file": ("screen.png", png() if content is None else content, "image/png")}
        return await self.post(f"/api/v1/tasks/{task_id}/proofs", key=key, files=files)

    async def submitted_task(self, app: CatalogApp, content: bytes | None = None) -> str:
        task_id = (await self.start(app)).json()["id"]
        assert (await self.send_proof(task_id, content)).status_code == 201
        return str(task_id)

    async def decide(self, task_id: str, key: str | None = None, **decision: Any) -> httpx.Response:
        return await self.post(f"/api/v1/reviews/{task_id}/decision", key=key, json=decision)

    async def points(self) -> dict[str, Any]:
        answer: dict[str, Any] = (await self.get("/api/v1/points")).json()
        return answer


PersonMaker = Callable[..., Person]
AppMaker = Callable[..., CatalogApp]


@pytest.fixture(scope="session")
def picture() -> Callable[..., bytes]:
    """Makes a plain PNG."""
    return png


@pytest.fixture(scope="session")
async def database_url() -> str:
    return await testing.create_database(str(rewards_service.__file__), "rewards")


@pytest.fixture(scope="session")
def settings(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings.example(
        database_url=database_url,
        database_pool_size=20,
        cursor_secret=testing.TEST_SECRET,
        blob_url=f"file://{tmp_path_factory.mktemp('blobs')}",
    )


@pytest.fixture(scope="session")
def blob_folder(settings: Settings) -> Path:
    return Path(settings.blob_url.removeprefix("file://"))


@pytest.fixture(scope="session")
def _catalog() -> FakeCatalog:
    return FakeCatalog()


@pytest.fixture(scope="session")
def _accounts() -> FakeAccounts:
    return FakeAccounts()


@pytest.fixture
def catalog(_catalog: FakeCatalog) -> Iterator[FakeCatalog]:
    yield _catalog
    _catalog.apps.clear()
    _catalog.down = False


@pytest.fixture
def accounts(_accounts: FakeAccounts) -> Iterator[FakeAccounts]:
    _accounts.asked = 0  # by tests that did not ask for this fixture
    yield _accounts
    _accounts.account = AccountInfo(name="Ada", email_verified=True)
    _accounts.strangers.clear()
    _accounts.down = False


@pytest.fixture(scope="session")
async def running_app(settings: Settings, _catalog: FakeCatalog, _accounts: FakeAccounts) -> AsyncIterator[FastAPI]:
    pictures = RememberingProcessor()
    app = create_app(settings, keys=testing.test_keys(), catalog=_catalog, accounts=_accounts, pictures=pictures)
    async with testing.running(app):
        yield app


@pytest.fixture
async def app(running_app: FastAPI, database_url: str) -> FastAPI:
    """The service with empty tables."""
    await testing.empty_tables(database_url)
    return running_app


@pytest.fixture
async def sql(app: FastAPI, database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the test's own."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
def lines_read(app: FastAPI) -> Iterator[list[int]]:
    """How many lines the service read from the ledger, by each statement that asked for so many at most."""
    found: list[int] = []

    def note(_connection: object, cursor: Any, statement: str, *_more: object) -> None:
        if "LIMIT" in statement and "transaction" in statement:
            found.append(cursor.rowcount)

    engine = app.state.database.engine.sync_engine
    event.listen(engine, "after_cursor_execute", note)
    yield found
    event.remove(engine, "after_cursor_execute", note)


@pytest.fixture
async def owned_database(sql: asyncpg.Connection, database_url: str) -> AsyncIterator[str]:
    """A database with the schema of this service that belongs to a role of its own, as in production. Its URL."""
    name, password = f"owner_{uuid4().hex}", uuid4().hex
    await sql.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
    await sql.execute(f"CREATE DATABASE {name} OWNER {name}")
    url = urlsplit(database_url)._replace(path=f"/{name}")
    url = url._replace(netloc=f"{name}:{password}@{url.netloc.rpartition('@')[2]}")
    await asyncio.to_thread(migrations.upgrade, str(rewards_service.__file__), url.geturl())
    yield url.geturl()
    await sql.execute(f"DROP DATABASE {name}")
    await sql.execute(f"DROP ROLE {name}")


@pytest.fixture
async def until_waiting(app: FastAPI, database_url: str) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
    """Returns when so many connections of the service wait for a lock (it gives up on one after five seconds)."""
    watcher = await asyncpg.connect(database_url)
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"

    async def wait(connections: int) -> None:
        async with asyncio.timeout(4):
            while await watcher.fetchval(query) < connections:
                pass

    yield wait
    await watcher.close()


@pytest.fixture
async def person(app: FastAPI, settings: Settings) -> AsyncIterator[PersonMaker]:
    """Signs somebody in: ``person()``, ``person("reviewer")``."""
    clients: list[httpx.AsyncClient] = []

    def sign_in(*roles: str, email_verified: bool = True) -> Person:
        user_id = uuid4()
        token = testing.make_token(user_id, roles or ("user",), settings, email_verified=email_verified)
        clients.append(testing.client_of(app, token))
        return Person(clients[-1], user_id)

    yield sign_in
    for client in clients:
        await client.aclose()


@pytest.fixture
def offered(catalog: FakeCatalog) -> AppMaker:
    """Puts an app into the catalogue."""

    def offer(**values: Any) -> CatalogApp:
        defaults = {
            "id": uuid4(),
            "name": "Example Reader",
            "package_name": "org.example.reader",
            "points": 250,
            "status": "published",
        }
        app = CatalogApp.model_validate({**defaults, **values})
        catalog.apps[app.id] = app
        return app

    return offer


@pytest.fixture(scope="session")
def _s3_address() -> Iterator[str]:
    with s3_server() as address:
        yield address


@pytest.fixture
def s3_url(_s3_address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder of an S3 server on this machine."""
    for name, value in s3_variables(_s3_address).items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/some/folder"
