"""One keep-alive connection to an upstream: answers come in, checked and told apart from what follows them."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol, cast

from gateway.framing import ANSWER_HEAD, Body, Chunked, FramingError, Sized, UntilEnd
from gateway.hygiene import AnswerHeader, read_answer_header
from servicekit.problems import BadGateway, DomainError

MAX_HEADER_BYTES: Final = 64 * 1024


class Listener(Protocol):
    """Whoever asked. Each is called at once, when the bytes come."""

    def on_answer(self, status: int, header: AnswerHeader, *, bodiless: bool) -> None:
        """The head of the final answer is there."""

    def on_piece(self, data: bytes, *, last: bool) -> None:
        """Some of the body, which may be empty; always called after the head, too."""

    def on_failure(self, error: DomainError, *, silent: bool) -> None:
        """No more will come. ``silent``: not one byte of an answer had."""

    def on_upstream_full(self, *, full: bool) -> None:
        """The upstream takes no more of the request at the moment, or takes it again."""


class Connection(asyncio.Protocol):
    """Carries one exchange at a time. It belongs to its listener from ``begin`` until the last piece or a failure."""

    def __init__(self, on_lost: Callable[["Connection"], None]) -> None:
        self._on_lost = on_lost
        self.transport: asyncio.Transport
        self._listener: Listener | None = None
        self._head_answers = False
        self._waiting = b""
        self._body: Body | None = None
        self._keep_alive = True
        self._silent = True
        self.exchanges = 0
        self.idle_since = 0.0

    def begin(self, listener: Listener, request: bytes, *, bodiless: bool) -> None:
        """Send the head of a request. ``bodiless``: the answer has no body whatever its header says, as for HEAD."""
        self._listener = listener
        self._head_answers = bodiless
        self._silent = True
        self.exchanges += 1
        self.transport.write(request)

    def close(self) -> None:
        """Cut the connection; nobody is told."""
        self._listener = None
        self.transport.abort()

    @property
    def idle(self) -> bool:
        """Whether no answer is awaited."""
        return self._listener is None

    @property
    def reusable(self) -> bool:
        """Whether another exchange may follow."""
        return self._listener is None and self._keep_alive and not self.transport.is_closing()

    # asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if self._listener is None:  # nobody asked for this
            self._keep_alive = False
            self.transport.abort()
            return
        self._silent = False
        try:
            if self._body is None:
                rest = self._read_head(self._waiting + data if self._waiting else data)
                if rest is None:
                    return
                data = rest
            self._read_body(data)
        except FramingError:
            self._fail()

    def _read_head(self, data: bytes) -> bytes | None:
        """What comes after the head of the final answer; None while it is not there, and when all is there at once."""
        listener = self._listener
        assert listener is not None  # noqa: S101 - the caller looked
        while True:
            self._waiting = b""
            end = data.find(b"\r\n\r\n") + 4
            if end < 4 or end > MAX_HEADER_BYTES:
                if len(data) > MAX_HEADER_BYTES:
                    raise FramingError
                self._waiting = data
                return None
            head = ANSWER_HEAD.fullmatch(data, 0, end)
            if head is None:
                raise FramingError
            minor, code, block = head.groups()
            status = int(code)
            data = data[end:]
            if status >= 200:
                break
            if status == 101:  # nobody asked for another protocol
                raise FramingError
        header = read_answer_header(block)
        bodiless = self._head_answers or status in {204, 304}
        self._keep_alive = minor == b"1" and not header.close
        length = 0 if bodiless else header.length
        if length == len(data):  # mostly the whole answer is there
            self._listener = None
            listener.on_answer(status, header, bodiless=bodiless)
            listener.on_piece(data, last=True)
            return None
        if length is not None:
            self._body = Sized(length)
        elif header.chunked:
            self._body = Chunked()
        else:
            self._keep_alive = False
            self._body = UntilEnd()
        listener.on_answer(status, header, bodiless=bodiless)
        return data

    def _read_body(self, data: bytes) -> None:
        body = self._body
        if body is None or self._listener is None:  # the listener ended it at the head
            return
        payload, rest = body.feed(data)
        if not body.done:
            self._listener.on_piece(payload, last=False)
            return
        listener = self._listener
        self._body = self._listener = None
        if rest:  # a second answer to one request spoils the connection
            self._keep_alive = False
        listener.on_piece(payload, last=True)

    def _fail(self) -> None:
        listener, self._listener = self._listener, None
        self._keep_alive = False
        self.transport.abort()
        if listener is not None:
            listener.on_failure(BadGateway(), silent=self._silent)

    def pause_writing(self) -> None:
        """See asyncio.BaseProtocol."""
        if self._listener is not None:
            self._listener.on_upstream_full(full=True)

    def resume_writing(self) -> None:
        """See asyncio.BaseProtocol."""
        if self._listener is not None:
            self._listener.on_upstream_full(full=False)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.BaseProtocol."""
        if isinstance(self._body, UntilEnd) and exc is None and self._listener is not None:
            listener, self._listener, self._body = self._listener, None, None
            self._keep_alive = False
            listener.on_piece(b"", last=True)
        else:
            self._fail()
        self._on_lost(self)
