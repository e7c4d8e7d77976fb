"""A server that is asked to stop still answers for a while, and each answer sends its client elsewhere."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from starlette.types import Receive, Scope, Send

from servicekit.probe import is_ready
from servicekit.server import Server

STEP_SECONDS = 0.02


async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answers anything with 200."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def serving(*, drain_seconds: float, stopped: list[str]) -> AsyncIterator[tuple[Server, str]]:
    config = uvicorn.Config(app, lifespan="off", http="httptools", ws="none", log_config=None, access_log=False)
    server = Server(config, [lambda: stopped.append("told")], drain_seconds=drain_seconds)
    listening = socket.create_server(("127.0.0.1", 0))
    task = asyncio.create_task(server.serve([listening]))
    try:
        yield server, f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        await task


async def test_requests_are_taken_while_it_drains_and_end_their_connections() -> None:
    stopped: list[str] = []
    async with serving(drain_seconds=30, stopped=stopped) as (server, url), httpx.AsyncClient() as client:
        assert "connection" not in (await client.get(url)).headers
        server.should_exit = True
        async with asyncio.timeout(30):
            while "connection" not in (answer := await client.get(url)).headers:  # noqa: ASYNC110 - it looks each 0.1 s
                await asyncio.sleep(STEP_SECONDS)
        assert (answer.status_code, answer.headers["connection"]) == (200, "close")
        assert stopped == []  # streams go on as long as requests are taken


async def test_without_a_time_to_drain_it_stops_at_once_and_tells_the_application() -> None:
    stopped: list[str] = []
    async with serving(drain_seconds=0, stopped=stopped) as (server, _):
        server.should_exit = True
        async with asyncio.timeout(30):
            while not stopped:  # noqa: ASYNC110 - uvicorn tells nobody
                await asyncio.sleep(STEP_SECONDS)


async def test_the_probe_of_the_container_asks_whether_it_is_ready() -> None:
    async with serving(drain_seconds=0, stopped=[]) as (_, url):
        port = int(url.rpartition(":")[2])
        assert await asyncio.to_thread(is_ready, port)
    assert not await asyncio.to_thread(is_ready, port)
