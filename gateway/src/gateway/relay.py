"""One request to an upstream and its answer back, each piece passed on as it comes, in both directions."""

import asyncio
from typing import Final

from starlette.types import Receive, Scope, Send

from gateway.connection import Connection
from gateway.errors import SlowRequest
from gateway.hygiene import Inbound, RawHeaders, answer_header, request_head
from gateway.settings import Settings
from gateway.upstream import Upstream
from servicekit.problems import BadGateway, ContentTooLarge, DomainError

# Most answers are quicker; only for the others is it worth a task to see a client leave.
WATCH_AFTER_SECONDS: Final = 0.1


class ClientGone(DomainError):
    # Never sent, as there is nobody left to send it to; so it has no text for a page either.
    status, code, title = 499, "client-gone", "The client left"


class ClientBody:
    """The request's body: counted against its limit, and framed as the upstream was told."""

    def __init__(self, receive: Receive, inbound: Inbound, limit: int, idle_seconds: float) -> None:
        if inbound.content_length is not None and inbound.content_length > limit:
            raise _too_large(limit)
        self._receive = receive
        self._chunked = inbound.chunked
        self._left = limit
        self._limit = limit
        self._idle_seconds = idle_seconds
        self.more = inbound.has_body

    async def next(self) -> bytes:
        """The next bytes, framed.

        Raises:
            ContentTooLarge, SlowRequest, ClientGone: no more will come.
        """
        try:
            async with asyncio.timeout(self._idle_seconds):
                message = await self._receive()
        except TimeoutError as error:
            raise SlowRequest from error
        if message["type"] == "http.disconnect":
            raise ClientGone
        data: bytes = message.get("body", b"")
        self._left -= len(data)
        if self._left < 0:
            raise _too_large(self._limit)
        self.more = message.get("more_body", False)
        if not self._chunked:
            return data
        framed = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
        return framed if self.more else framed + b"0\r\n\r\n"

    async def left(self) -> None:
        """Return when the client has left, or has its answer."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


def _too_large(limit: int) -> ContentTooLarge:
    return ContentTooLarge(f"The body may have at most {limit} bytes.")


class _Follower:
    """Sends the rest of the body while the answer may come already, then looks whether the client stays for it."""

    def __init__(self, body: ClientBody, connection: Connection, settings: Settings) -> None:
        self._body = body
        self._connection = connection
        self._settings = settings
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        if self._body.more:
            self._follow()
        else:
            self._connection.time_out_after(self._settings.header_seconds)
            self._timer = asyncio.get_running_loop().call_later(WATCH_AFTER_SECONDS, self._follow)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _follow(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        connection = self._connection
        try:
            if self._body.more:
                await self._send_rest()
            await self._body.left()
        except DomainError as error:
            connection.fail(error)
        else:
            if not connection.complete:
                connection.fail(ClientGone())

    async def _send_rest(self) -> None:
        connection, settings = self._connection, self._settings
        while self._body.more:
            connection.time_out_after(None)  # the upstream can't do anything before we have something for it
            data = await self._body.next()
            connection.time_out_after(settings.idle_seconds)
            connection.write(data)
            await connection.drain()
        if not connection.answering:
            connection.time_out_after(settings.header_seconds)


class _StaleConnection(Exception):
    """The upstream had closed a kept connection just before our request reached it."""


class Relay:
    """Passes one request on; made for each."""

    def __init__(self, upstream: Upstream, inbound: Inbound, settings: Settings) -> None:
        self._upstream = upstream
        self._inbound = inbound
        self._settings = settings
        self._repeatable = False

    async def run(self, scope: Scope, receive: Receive, send: Send, *, max_body: int) -> None:
        """Relay.

        Raises:
            DomainError: what went wrong, before or after the answer began.
        """
        head = request_head(scope["method"], scope["raw_path"], scope["query_string"], self._inbound.headers)
        body = ClientBody(receive, self._inbound, max_body, self._settings.idle_seconds)
        # The first bytes are awaited before a connection is taken: slow clients don't use them up.
        opening = head + await body.next() if body.more else head
        self._repeatable = self._inbound.repeatable and not body.more  # pieces that are gone can't be sent again
        bodiless = scope["method"] == "HEAD"
        connection = await self._upstream.acquire()
        try:
            await self._attempt(connection, opening, body, send, bodiless=bodiless)
        except _StaleConnection:
            connection = await self._upstream.acquire(fresh=True)
            await self._attempt(connection, opening, body, send, bodiless=bodiless)

    async def _attempt(
        self, connection: Connection, opening: bytes, body: ClientBody, send: Send, *, bodiless: bool
    ) -> None:
        follower = _Follower(body, connection, self._settings)
        try:
            connection.begin(bodiless=bodiless)
            connection.write(opening)
            follower.start()
            status, headers = await self._answer(connection)
            fields = answer_header(status, headers)
            fields.append((b"x-request-id", self._inbound.request_id.encode("ascii")))
            await send({"type": "http.response.start", "status": status, "headers": fields})
            await self._pass_body(connection, send)
        finally:
            follower.stop()
            if body.more:  # the upstream answered without reading it all
                self._upstream.discard(connection)
            else:
                self._upstream.release(connection)

    async def _answer(self, connection: Connection) -> tuple[int, RawHeaders]:
        try:
            return await connection.head()
        except BadGateway as error:
            if self._repeatable and connection.silent and connection.exchanges > 1:
                raise _StaleConnection from error
            raise

    async def _pass_body(self, connection: Connection, send: Send) -> None:
        data, more = await connection.piece()
        while more:
            try:
                async with asyncio.timeout(self._settings.idle_seconds):
                    await send({"type": "http.response.body", "body": data, "more_body": True})
            except TimeoutError as error:  # the client takes nothing
                raise ClientGone from error
            data, more = await connection.piece()
        await send({"type": "http.response.body", "body": data})
