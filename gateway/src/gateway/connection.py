"""One keep-alive connection to an upstream: an asyncio protocol around httptools' response parser."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, cast

import httptools

from gateway.hygiene import RawHeaders
from servicekit.problems import BadGateway, DomainError, GatewayTimeout

PAUSE_ABOVE: Final = 256 * 1024  # bytes of an answer that may wait for a slow client before the upstream has to
MAX_HEADER_BYTES: Final = 64 * 1024
_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding"})


class Connection(asyncio.Protocol):
    """Carries one exchange at a time: ``begin``, ``write``..., ``head``, ``piece``... until no more follows.

    Whoever reads is woken when something came. Whatever ends an exchange early, from either side, goes through ``fail``
    and comes out of ``head`` or ``piece`` as the error that was given there.
    """

    def __init__(self, idle_seconds: float, on_lost: Callable[["Connection"], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._idle_seconds = idle_seconds
        self._on_lost = on_lost
        self._transport: asyncio.Transport
        self._parser = httptools.HttpResponseParser(self)
        self._timer: asyncio.TimerHandle | None = None
        self._reader: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self.exchanges = 0
        self.idle_since = 0.0
        self._clear(bodiless=False)
        self.complete = True  # nothing is asked yet, so nothing may come

    def _clear(self, *, bodiless: bool) -> None:
        self._bodiless = bodiless
        self._status = 0
        self._headers: RawHeaders = []
        self._header_bytes = 0
        self._pieces: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._paused = False
        self._ends_with_connection = True
        self._keep_alive = False
        self._error: DomainError | None = None
        self.silent = True  # not one byte of the answer has come
        self.complete = False

    def begin(self, *, bodiless: bool) -> None:
        """Start an exchange. ``bodiless``: the answer has no body whatever its header says, as for HEAD."""
        if self._bodiless:  # the parser still waits for the body that HEAD's answer announced
            self._parser = httptools.HttpResponseParser(self)
        self.exchanges += 1
        self._clear(bodiless=bodiless)

    def write(self, data: bytes) -> None:
        """Send bytes of the request."""
        self._transport.write(data)

    async def drain(self) -> None:
        """Wait until the upstream has taken enough of what was written."""
        if self._writable is not None:
            await self._writable

    async def head(self) -> tuple[int, RawHeaders]:
        """The status and the header of the final answer."""
        while not self._status:
            await self._arrival()
        return self._status, self._headers

    async def piece(self) -> tuple[bytes, bool]:
        """All of the body that has come since the last call, at least one byte, and whether more will follow."""
        while not self._pieces and not self.complete:
            await self._arrival()
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._waiting_bytes = 0
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
            self.time_out_after(self._idle_seconds)
        return data, not self.complete

    def fail(self, error: DomainError) -> None:
        """End the exchange with this error, and the connection with it."""
        if not self.complete and self._error is None:
            self._error = error
            self._wake()
        self.close()

    def close(self) -> None:
        """Cut the connection."""
        self.time_out_after(None)
        self._transport.abort()

    @property
    def reusable(self) -> bool:
        """Whether another exchange may follow this one."""
        return self.complete and self._keep_alive and not self._transport.is_closing()

    @property
    def answering(self) -> bool:
        """Whether the head of the answer is there."""
        return bool(self._status)

    def time_out_after(self, seconds: float | None) -> None:
        """From now on so much silence ends the exchange; None: it may take as long as it likes."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self._loop.call_later(seconds, self.fail, GatewayTimeout())

    async def _arrival(self) -> None:
        if self._error is not None:
            raise self._error
        self._reader = self._loop.create_future()
        try:
            await self._reader
        finally:
            self._reader = None

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    # asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if self.complete:  # nobody asked for this
            self.close()
            return
        self.silent = False
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.fail(BadGateway())
            return
        if self._status and not self.complete:
            self._pace()
        self._wake()

    def _pace(self) -> None:
        """In the middle of a body: let the upstream wait when the client is slower, else watch for its silence."""
        if self._waiting_bytes > PAUSE_ABOVE:
            if not self._paused:
                self._paused = True
                self._transport.pause_reading()
            self.time_out_after(None)
        else:
            self.time_out_after(self._idle_seconds)

    def pause_writing(self) -> None:
        """See asyncio.BaseProtocol."""
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        """See asyncio.BaseProtocol."""
        if self._writable is not None:
            if not self._writable.done():
                self._writable.set_result(None)
            self._writable = None

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.BaseProtocol."""
        self.resume_writing()
        if self._status and self._ends_with_connection and exc is None and self._error is None:
            self._finish()
            self._wake()
        else:
            self.fail(BadGateway())
        self.time_out_after(None)
        self._on_lost(self)

    # httptools calls these

    def on_message_begin(self) -> None:
        """A second answer to one request spoils the connection."""
        if self.complete:
            self._keep_alive = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """One field of the header; after the head it is one of the trailer, which nobody is promised."""
        if self._status:
            return
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MAX_HEADER_BYTES:
            raise BadGateway
        name = name.lower()
        if name in _FRAMING:
            self._ends_with_connection = False
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is there, unless it only says that the real one will come (1xx)."""
        status = self._parser.get_status_code()
        if self.complete or status < 200:
            self._headers = []
            return
        self._status = status
        self._keep_alive = self._parser.should_keep_alive()
        if self._bodiless:
            self._finish()

    def on_body(self, body: bytes) -> None:
        """Some of the body."""
        if self.complete:
            self._keep_alive = False
        else:
            self._pieces.append(body)
            self._waiting_bytes += len(body)

    def on_message_complete(self) -> None:
        """The end of the answer, or of a 1xx before it."""
        if self._status and not self.complete:
            self._finish()

    def _finish(self) -> None:
        self.complete = True
        self.time_out_after(None)
