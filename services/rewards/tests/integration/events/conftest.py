"""A client that listens to the stream of events, and changes of tasks to be told of."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Self
from uuid import UUID

import asyncpg
import pytest
from fastapi import FastAPI

PATIENCE = 60.0


class Stream:
    """An open stream, called in process: httpx's transport for that waits for the end of an answer."""

    def __init__(
        self, app: FastAPI, headers: dict[str, str], *, method: str = "GET", takes_nothing: bool = False
    ) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self._frames: asyncio.Queue[str | None] = asyncio.Queue()
        self._started, self._left, self._stuck = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._takes_nothing = takes_nothing
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": "/api/v1/events", "raw_path": b"/api/v1/events", "query_string": b"", "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "state": {},
        }  # fmt: skip
        self.call = asyncio.ensure_future(app(scope, self._receive, self._send))

    async def __aenter__(self) -> Self:
        async with asyncio.timeout(PATIENCE):
            await self._started.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._left.set()
        self._stuck.set()
        async with asyncio.timeout(PATIENCE):
            await self.call

    async def _receive(self) -> dict[str, Any]:
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            self._started.set()
            return
        if self._takes_nothing:
            await self._stuck.wait()
        self._frames.put_nowait(message.get("body", b"").decode())
        if not message.get("more_body", False):
            self._frames.put_nowait(None)

    async def frame(self) -> dict[str, str]:
        """The fields of the next frame."""
        text = await self.text()
        return dict(line.split(": ", 1) for line in text.strip().splitlines())

    async def text(self) -> str:
        """The next frame as it comes."""
        async with asyncio.timeout(PATIENCE):
            text = await self._frames.get()
        assert text is not None
        return text

    async def event(self) -> tuple[int, str, dict[str, Any]]:
        """Number, kind and data of the next event."""
        frame = await self.frame()
        return int(frame["id"]), frame["event"], json.loads(frame["data"])

    async def ended(self) -> bool:
        """Wait for the end."""
        async with asyncio.timeout(PATIENCE):
            while await self._frames.get():
                pass
        return True

    def is_quiet(self) -> bool:
        """Whether nothing has come since."""
        return self._frames.empty()


@pytest.fixture
def listen(app: FastAPI) -> Callable[..., Stream]:
    """Opens the stream of a person."""

    def opened(user: Any, after: int | None = None, **options: Any) -> Stream:
        headers = {"Authorization": user.client.headers["Authorization"]}
        return Stream(app, headers | ({} if after is None else {"Last-Event-ID": str(after)}), **options)

    return opened


@pytest.fixture
def made_task(sql: asyncpg.Connection) -> Callable[[UUID], Awaitable[UUID]]:
    """A started task of a person, without the catalogue: one event."""

    async def make(user_id: UUID) -> UUID:
        task_id: UUID = await sql.fetchval(
            "INSERT INTO task (user_id, app_id, app_name, package_name, points, expires_at) "
            "VALUES ($1, uuidv7(), 'App', 'org.example', 10, now() + interval '1 day') RETURNING id",
            user_id,
        )
        return task_id

    return make


@pytest.fixture(autouse=True)
async def _nobody_listens_on(app: FastAPI) -> AsyncIterator[None]:
    yield
    assert app.state.events._listeners._count == 0
    assert not app.state.events._listeners._of
