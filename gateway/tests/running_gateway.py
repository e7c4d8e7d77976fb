"""A gateway on a real socket, and behind it tiny services on real sockets that do what the test says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from gateway.main import create_app
from gateway.settings import Settings

NAMES = ("auth", "catalog", "rewards", "isin", "web")
RawHandler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[tuple[int, ServerState]]:
    """``app`` under uvicorn's protocol, set up as ``gateway serve`` does, on a free port of loopback."""
    config = uvicorn.Config(
        app, http="httptools", ws="none", log_config=None, server_header=False, date_header=False, proxy_headers=False
    )
    config.load()
    state = ServerState()

    def protocol() -> asyncio.Protocol:
        return HttpToolsProtocol(config=config, server_state=state, app_state={})  # type: ignore[no-any-return, unused-ignore]  # as uvicorn types it

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
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
    client: httpx.AsyncClient
    services: dict[str, Service]

    def __getattr__(self, name: str) -> Service:
        return self.services[name]

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


@asynccontextmanager
async def open_gateway(
    *, ports: dict[str, int] | None = None, clock: Callable[[], float] | None = None, **values: object
) -> AsyncIterator[Gateway]:
    """A gateway before five services; ``ports`` puts something else where one would be, ``values`` are settings."""
    async with AsyncExitStack() as stack:
        services = {name: Service(name) for name in NAMES}
        urls = {}
        for name, service in services.items():
            port = (ports or {}).get(name)
            if port is None:
                port, service.state = await stack.enter_async_context(serving(service))
            urls[f"{name}_url"] = f"http://127.0.0.1:{port}"
        settings = Settings.model_validate({"environment": "test", "rate_limits": False, **urls, **values})
        app = create_app(settings, **({"clock": clock} if clock else {}))
        door, _ = await stack.enter_async_context(serving(app))
        stack.callback(app.close)
        client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{door}", trust_env=False, timeout=10)
        yield Gateway(door, await stack.enter_async_context(client), services)
