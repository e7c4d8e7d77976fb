"""``gateway serve`` as a process of its own: what signals do to it."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from running_gateway import NAMES, Service, changed_table, reply, serving
from starlette.types import Receive, Scope, Send

from local_stack.ports import free_ports


@dataclass
class Running:
    """A gateway process before one service that plays all."""

    process: asyncio.subprocess.Process
    port: int
    metrics_port: int
    service: Service
    routes: Path

    async def event(self, name: str) -> bytes:
        """The next line of its log with this event."""
        assert self.process.stdout is not None
        async with asyncio.timeout(30):
            while line := await self.process.stdout.readline():
                if name.encode() in line:
                    return line
        raise AssertionError(f"ended without {name}")


@asynccontextmanager
async def gateway_process(tmp_path: Path, **environment: str) -> AsyncIterator[Running]:
    port, metrics_port = free_ports(2)
    service = Service("all", documents={"/internal/revocations": {"items": [], "last": 0}})
    routes = changed_table(tmp_path / "routes.toml", {})
    async with serving(service) as (behind, _):
        ours = {f"GATEWAY_{name.upper()}_URL": f"http://127.0.0.1:{behind}" for name in NAMES}
        ours |= {"GATEWAY_ROUTES_FILE": str(routes), "GATEWAY_METRICS_PORT": str(metrics_port), **environment}
        command = (sys.executable, "-m", "gateway", "serve", "--port", str(port))
        process = await asyncio.create_subprocess_exec(
            *command, env=os.environ | ours, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        running = Running(process, port, metrics_port, service, routes)
        try:
            if "GATEWAY_BAD" not in environment:
                await running.event("Uvicorn running")
            yield running
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()


async def test_sighup_reads_the_routes_again_and_a_bad_file_changes_nothing(tmp_path: Path) -> None:
    async with gateway_process(tmp_path) as running, httpx.AsyncClient() as client:
        client.base_url = httpx.URL(f"http://127.0.0.1:{running.port}")
        good = running.routes.read_text()
        running.routes.write_text(good + '[[routes]]\nprefix = "/api/v1/new"\nservice = "web"\npublic = "all"\n')
        assert (await client.get("/api/v1/new")).status_code == 404
        running.process.send_signal(signal.SIGHUP)
        await running.event("routes.loaded")
        assert (await client.get("/api/v1/new")).status_code == 200
        running.routes.write_text(good.replace('service = "web"', 'service = "nobody"'))
        running.process.send_signal(signal.SIGHUP)
        assert b"service" in await running.event("routes.kept")
        assert (await client.get("/api/v1/new")).status_code == 200


async def test_a_bad_file_of_routes_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("[[routes]]")
    file = str(tmp_path / "bad.toml")
    async with gateway_process(tmp_path, GATEWAY_ROUTES_FILE=file, GATEWAY_BAD="1") as running:
        assert b"bad.toml" in await running.event("routes.refused")
        assert await running.process.wait() == 78


async def test_metrics_are_on_the_private_port(tmp_path: Path) -> None:
    async with gateway_process(tmp_path) as running, httpx.AsyncClient() as client:
        await client.get(f"http://127.0.0.1:{running.port}/login")
        text = (await client.get(f"http://127.0.0.1:{running.metrics_port}/metrics")).text
        assert 'gateway_requests_total{service="web",status="200"} 1.0' in text


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_at_the_end_no_request_is_lost(tmp_path: Path, how: signal.Signals) -> None:
    async with gateway_process(tmp_path, GATEWAY_RATE_LIMITS="off") as running:
        arrived, release = asyncio.Event(), asyncio.Event()

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"] == "/slow":
                arrived.set()
                await release.wait()
            await reply(send, b"{}")

        running.service.answer = answer
        statuses: list[int] = []

        async def ask() -> None:
            """On one connection, until the gateway ends it."""
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{running.port}") as client:
                last = False
                while not last:
                    response = await client.get("/login")
                    statuses.append(response.status_code)
                    last = response.headers.get("connection") == "close"

        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{running.port}", timeout=20) as client:
            slow = asyncio.create_task(client.get("/slow"))
            await arrived.wait()
            askers = [asyncio.create_task(ask()) for _ in range(4)]
            while len(statuses) < 100:  # noqa: ASYNC110 - what is counted tells nobody
                await asyncio.sleep(0.01)
            running.process.send_signal(how)
            await asyncio.gather(*askers)
            release.set()
            response = await slow
            assert (response.status_code, response.headers["connection"]) == (200, "close")
        assert set(statuses) == {200}
        assert await running.process.wait() in {0, -how}


async def test_at_the_end_event_streams_end_in_good_order(tmp_path: Path) -> None:
    async with gateway_process(tmp_path, GATEWAY_DRAIN_SECONDS="0") as running:

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            head = [(b"content-type", b"text/event-stream")]
            await send({"type": "http.response.start", "status": 200, "headers": head})
            await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
            await receive()
            await receive()

        running.service.answer = answer
        text = running.routes.read_text().replace("streaming = true", 'streaming = true\npublic = "all"', 1)
        running.routes.write_text(text)
        running.process.send_signal(signal.SIGHUP)
        await running.event("routes.loaded")
        url = f"http://127.0.0.1:{running.port}/api/v1/events"
        async with httpx.AsyncClient() as client, client.stream("GET", url) as response:
            pieces = response.aiter_raw()
            assert await anext(pieces) == b"data: 1\n\n"
            running.process.send_signal(signal.SIGTERM)
            assert [piece async for piece in pieces] == []  # a whole answer, as HTTP sees it
        assert await running.process.wait() in {0, -signal.SIGTERM}
