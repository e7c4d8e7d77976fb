"""A gateway on a real socket, and behind it tiny services on real sockets that do what the test says."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import httpx
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.server import ServerState

from gateway.main import Gateway as Parts
from gateway.main import create_gateway
from gateway.routes import PACKAGED
from gateway.server import config
from gateway.settings import Settings
from servicekit import testing
from servicekit.revocations import Revocations

NAMES = ("auth", "catalog", "rewards", "isin", "web")
RawHandler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(app: ASGIApp, *, port: int = 0) -> AsyncIterator[tuple[int, ServerState]]:
    """``app`` under uvicorn's protocol on a port of loopback, a free one when none is named."""
    settings = uvicorn.Config(
        app, http="httptools", ws="none", log_config=None, server_header=False, date_header=False, proxy_headers=False
    )
    async with listening(settings, port) as port_and_state:
        yield port_and_state


@asynccontextmanager
async def listening(settings: uvicorn.Config, port: int = 0) -> AsyncIterator[tuple[int, ServerState]]:
    """What uvicorn's server does, without its signals."""
    settings.load()
    state = ServerState()

    def protocol() -> asyncio.Protocol:
        return settings.http_protocol_class(config=settings, server_state=state, app_state={})  # type: ignore[call-arg]  # as uvicorn calls it

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", port)
    try:
        yield server.sockets[0].getsockname()[1], state
    finally:
        server.close()
        for connection in list(state.connections):
            connection.transport.abort()
        for task in list(state.tasks):
            task.cancel()
        await asyncio.gather(*state.tasks, return_exceptions=True)
        await server.wait_closed()


@asynccontextmanager
async def raw_server(handle: RawHandler) -> AsyncIterator[int]:
    """An upstream that speaks bytes: for answers that no honest server gives."""
    tasks: set[asyncio.Task[None]] = set()

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())  # type: ignore[arg-type]  # a task it is
        try:
            await handle(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(run, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


@dataclass
class Asked:
    """A request as a service got it."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    client: tuple[str, int]

    def all(self, name: str) -> list[str]:
        return [value for known, value in self.headers if known == name]


@dataclass
class Service:
    """A service that remembers what it was asked. ``answer``, when set, answers instead of a plain 200."""

    name: str
    asked: list[Asked] = field(default_factory=list)
    answer: Callable[[Scope, Receive, Send], Awaitable[None]] | None = None
    documents: dict[str, Any] = field(default_factory=dict)  # JSON by path
    ready: int = 200
    state: ServerState = field(default_factory=ServerState)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if self.answer is not None and path not in {"/readyz", "/openapi.json"}:
            await self.answer(scope, receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":  # it broke off: nobody has asked for anything
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        target = scope["raw_path"].decode() + ("?" + scope["query_string"].decode() if scope["query_string"] else "")
        headers = [(name.decode(), value.decode("latin-1")) for name, value in scope["headers"]]
        self.asked.append(Asked(scope["method"], target, headers, body, scope["client"]))
        status, content = 200, httpx.Response(200, json={"service": self.name}).content
        if path == "/readyz":
            status = self.ready
        elif path in self.documents:
            content = httpx.Response(200, json=self.documents[path]).content
        elif path == "/openapi.json":
            status = 404
        await reply(send, content, status=status)


async def reply(send: Send, body: bytes, *, status: int = 200, headers: dict[str, str] | None = None) -> None:
    fields = {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})}
    raw = [(name.encode(), value.encode()) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


@dataclass
class Gateway:
    """A gateway that runs, with a client for it and its services by name."""

    port: int
    client: httpx.AsyncClient  # signed in
    services: dict[str, Service]
    parts: Parts
    log: BytesIO
    revocations: Revocations

    def __getattr__(self, name: str) -> Service:
        return self.services[name]

    @property
    def token(self) -> bytes:
        """The line that signs a raw request in."""
        return b"Authorization: %b\r\n" % self.client.headers["authorization"].encode()

    def lines(self) -> list[dict[str, Any]]:
        """The access log so far."""
        self.parts.app.state.access_log.flush()
        return [json.loads(line) for line in self.log.getvalue().splitlines()]

    async def exchange(self, request: bytes) -> bytes:
        """Send bytes on a connection of their own and return the first answer; its body only if a length is given."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            return head + (await reader.readexactly(int(length[0].split(b":")[1])) if length else b"")
        finally:
            writer.close()


def changed_table(file: Path, numbers: dict[str, object]) -> Path:
    """The table of the package with other numbers, written to a file."""
    text = PACKAGED.read_text()
    for name, value in numbers.items():
        text = re.sub(rf"^{name} = .*$", f"{name} = {value}", text, flags=re.MULTILINE)
    file.write_text(text)
    return file


@asynccontextmanager
async def open_gateway(
    *,
    ports: dict[str, int] | None = None,
    clock: Callable[[], float] | None = None,
    routes: dict[str, object] | None = None,
    **values: object,
) -> AsyncIterator[Gateway]:
    """A gateway before five services.

    ``ports`` puts something else where one would be, ``routes`` changes numbers of the table, ``values`` are settings.
    """
    async with AsyncExitStack() as stack:
        services = {name: Service(name) for name in NAMES}
        urls = {}
        for name, service in services.items():
            port = (ports or {}).get(name)
            if port is None:
                port, service.state = await stack.enter_async_context(serving(service))
            urls[f"{name}_url"] = f"http://127.0.0.1:{port}"
        if routes:
            folder = Path(stack.enter_context(TemporaryDirectory()))
            values["routes_file"] = changed_table(folder / "routes.toml", routes)
        settings = Settings.model_validate({"environment": "test", "rate_limits": False, **urls, **values})
        log, revocations = BytesIO(), Revocations()
        parts = create_gateway(
            settings,
            keys=testing.test_keys(),
            revocations=revocations,
            log_stream=log,
            **({"clock": clock} if clock else {}),
        )
        await stack.enter_async_context(parts.app.router.lifespan_context(parts.app))
        door, _ = await stack.enter_async_context(listening(config(parts, "127.0.0.1", 0)))
        headers = testing.bearer(testing.make_token(UUID(int=1), ["user"], settings))
        client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{door}", trust_env=False, timeout=10, headers=headers)
        yield Gateway(door, await stack.enter_async_context(client), services, parts, log, revocations)
