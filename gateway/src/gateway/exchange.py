"""One request to an upstream and its answer back, each piece passed on as it comes, in both directions.

Nothing here waits: the client's connection calls with what the client sent, the upstream's with what came back, and
the door's clock when one of them has been silent for too long.
"""

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from gateway.address import Address
from gateway.connection import Connection
from gateway.errors import SlowRequest
from gateway.framing import chunk
from gateway.hygiene import AnswerHeader
from gateway.request import Request
from gateway.upstream import Upstream
from servicekit.problems import ContentTooLarge, DomainError, GatewayTimeout

if TYPE_CHECKING:
    from gateway.client import Client

TRIES: Final = 2
STATUS_LINES: Final = {status: b"HTTP/1.1 %d \r\n" % status for status in range(200, 600)} | {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}


def too_large(limit: int) -> ContentTooLarge:
    """What a body beyond its limit is answered with."""
    return ContentTooLarge(f"The body may have at most {limit} bytes.")


class Exchange:
    """Passes one request on; made for each."""

    __slots__ = (
        "_address", "_checked_bytes", "_chunked_request", "_chunks", "_client", "_client_full", "_close", "_connecting",
        "_connection", "_ends_at", "_entered", "_head", "_held", "_more", "_opening", "_over", "_rate_check_at",
        "_received", "_repeatable", "_request", "_route", "_tries", "_upstream", "status",
    )  # fmt: skip

    def __init__(self, client: "Client", request: Request, upstream: Upstream) -> None:
        assert request.entry is not None  # noqa: S101 - only what was admitted goes on
        assert request.header is not None  # noqa: S101 - as above
        route = request.entry.route
        now = client.loop.time()
        self._client = client
        self._request = request
        self._route = route
        self._upstream = upstream
        self._chunked_request = request.header.chunked
        self._opening = request.head()
        self._ends_at = float("inf") if route.streaming else now + route.total_seconds
        self._rate_check_at = now + client.door.settings.slow_client_seconds
        self._received = self._checked_bytes = 0
        self._more = True  # of the request
        self._tries = 0
        self._entered = self._over = self._client_full = self._held = False
        self._repeatable = request.repeatable
        self._address: Address | None = None
        self._connection: Connection | None = None
        self._connecting: asyncio.Task[None] | None = None
        self.status = 0  # of the answer, once it has begun
        self._head = b""
        self._chunks = False
        self._close = False

    # From the client

    def send(self, piece: bytes, *, last: bool) -> None:
        """Some of the request's body."""
        self._more = not last
        self._received += len(piece)
        if self._received > self._route.body_limit:
            self.fail(too_large(self._route.body_limit))
            return
        data = chunk(piece, last=last) if self._chunked_request else piece
        if self._connection is not None:
            self._repeatable = False  # pieces that are gone can't be sent again
            if data:
                self._connection.transport.write(data)
            self._wait()
            return
        self._opening += data
        if self._address is None:
            # Not before the first bytes of the body are there: slow clients use up no connections.
            self._start()
        else:
            self._hold(held=self._more)

    def _hold(self, *, held: bool) -> None:
        """Let the client wait with its body."""
        self._held = held
        if self._more:
            self._client.read_on(reading=not held)

    def on_client_full(self, *, full: bool) -> None:
        """The client takes no more of the answer at the moment, or takes it again."""
        self._client_full = full
        if self._connection is not None:
            if full:
                self._connection.transport.pause_reading()
            else:
                self._connection.transport.resume_reading()
        self._wait()

    def abandon(self) -> None:
        """The client has left."""
        if not self._over:
            self._end()
            self._client.door.seen(self._request, self.status or 499, self._upstream)

    def overdue(self, now: float) -> None:
        """Somebody has been silent, or slow, for too long."""
        if self._more and not self._held and not self._client_full and now < self._ends_at:
            if now >= self._rate_check_at:
                settings = self._client.door.settings
                enough = self._received - self._checked_bytes >= settings.body_rate * settings.slow_client_seconds
                self._check_rate_later(now)
                if enough:
                    self._wait()
                    return
            self.fail(SlowRequest())
        elif self._client_full:
            self.fail(SlowRequest())
        else:
            if self._address is not None and not self.status:
                self._address.failed()
            self.fail(GatewayTimeout())

    def _wait(self) -> None:
        """Say until when the next thing has to happen."""
        now = self._client.loop.time()
        due = now + (self._route.idle_seconds if self._more or self.status else self._route.header_seconds)
        if self._more:
            if self._held:  # whoever waits for the upstream is not slow itself
                self._check_rate_later(now)
            due = min(due, self._rate_check_at)
        self._client.due = min(due, self._ends_at)

    def _check_rate_later(self, now: float) -> None:
        self._rate_check_at = now + self._client.door.settings.slow_client_seconds
        self._checked_bytes = self._received

    # To the upstream

    def _start(self) -> None:
        try:
            if not self._entered:
                self._upstream.enter(streaming=self._route.streaming)
                self._entered = True
            address = self._address = self._upstream.pick(self._address)
        except DomainError as error:
            self.fail(error)
            return
        self._tries += 1
        connection = address.kept() if self._tries == 1 else None
        if connection is not None:
            self._go(connection)
            return
        self._hold(held=True)
        self._wait()
        self._connecting = self._client.loop.create_task(self._connect(address))

    async def _connect(self, address: Address) -> None:
        try:
            connection = await address.connect()
        except DomainError as error:
            self._connecting = None
            address.failed()
            # Nothing was sent, so whatever it is may go to another address.
            if self._tries < TRIES and len(self._upstream.addresses) > 1 and self._upstream.may_retry():
                self._start()
            else:
                self.fail(error)
            return
        self._connecting = None
        self._go(connection)

    def _go(self, connection: Connection) -> None:
        self._connection = connection
        connection.begin(self, self._opening, bodiless=self._request.method == b"HEAD")
        if self._held:
            self._hold(held=False)
        self._wait()

    def on_upstream_full(self, *, full: bool) -> None:
        """See Listener."""
        self._hold(held=full)
        self._wait()

    # From the upstream

    def on_answer(self, status: int, header: AnswerHeader, *, bodiless: bool) -> None:
        """See Listener."""
        request, client = self._request, self._client
        self.status = status
        if self._address is not None:
            self._address.succeeded()
        framing = b""
        close = client.closes or client.door.draining or self._more
        if header.length is not None and not header.chunked:
            framing = b"" if status == HTTPStatus.NO_CONTENT else b"content-length: %d\r\n" % header.length
        elif not bodiless:
            self._chunks = client.speaks_chunks
            framing = b"transfer-encoding: chunked\r\n" if self._chunks else b""
            close = close or not self._chunks
        self._close = close
        self._head = b"%b%b%bx-request-id: %b\r\n%b%b%b\r\n" % (
            STATUS_LINES[status], header.lines, framing, request.request_id.encode("ascii"), request.limits,
            client.door.always, b"connection: close\r\n" if close else b"",
        )  # fmt: skip

    def on_piece(self, data: bytes, *, last: bool) -> None:
        """See Listener."""
        if self._chunks:
            data = chunk(data, last=last)
        if self._head:
            data = self._head + data
            self._head = b""
        if data:
            self._client.transport.write(data)
        if last:
            self._end()
            self._client.door.seen(self._request, self.status, self._upstream)
            self._client.answered(close=self._close, unread=self._more)
        else:
            self._wait()

    def on_failure(self, error: DomainError, *, silent: bool) -> None:
        """See Listener."""
        address, connection = self._address, self._connection
        assert address is not None  # noqa: S101 - a connection is there
        assert connection is not None  # noqa: S101 - as above
        address.release(connection)
        self._connection = None
        stale = silent and connection.exchanges > 1
        if not self.status and not stale:
            address.failed()
        if silent and self._repeatable and not self._more and self._tries < TRIES and self._upstream.may_retry():
            self._start()
        else:
            self.fail(error)

    # The end

    def end_stream(self) -> None:
        """End an event stream in good order, as the server stops: whoever listens asks again elsewhere."""
        if self._route.streaming and self.status and not self._over:
            self._end()
            if self._chunks:
                self._client.transport.write(chunk(b"", last=True))
            self._client.door.seen(self._request, self.status, self._upstream)
            self._client.answered(close=True, unread=False)

    def fail(self, error: DomainError) -> None:
        """End the exchange with this error: told to the client, or by a cut when an answer has begun."""
        if self._over:
            return
        self._end()
        if self.status and not self._head:
            self._client.door.seen(self._request, self.status, self._upstream, cut=error)
            self._client.transport.abort()
        elif isinstance(error, SlowRequest) and self._client_full:
            self._client.transport.abort()
        else:
            self._client.refuse(self._request, error, unread=self._more, upstream=self._upstream)

    def _end(self) -> None:
        self._over = True
        if self._connecting is not None:
            self._connecting.cancel()
        if self._connection is not None and self._address is not None:
            if self._more or not self._connection.idle:
                self._connection.close()
            if self._client_full:
                self._connection.transport.resume_reading()
            self._address.release(self._connection)
            self._connection = None
        if self._held:
            self._hold(held=False)
        if self._entered:
            self._upstream.leave(streaming=self._route.streaming)
