"""The client's side of a connection: requests are read strictly, then relayed, refused, or left to the own pages.

A subclass of uvicorn's protocol: what the gateway answers itself goes there, checked and rewritten, as if it had just
come in. Whatever is relayed never meets it.
"""

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from gateway.errors import BadFraming, HeadersTooLarge, MalformedRequest, SlowRequest, TargetTooLong
from gateway.exchange import STATUS_LINES, Exchange
from gateway.framing import HOPELESS, REQUEST_HEAD, Body, Chunked, FramingError, Sized
from gateway.hygiene import RequestHeader, read_request_header
from gateway.request import Request
from gateway.target import MAX_TARGET
from gateway.upstream import Upstream
from servicekit import problems
from servicekit.logs import get_logger
from servicekit.middleware import API_HEADERS
from servicekit.problems import DomainError, InternalError

if TYPE_CHECKING:
    from gateway.door import Door

MAX_FIELDS: Final = 100
MAX_HEADER_BYTES: Final = 32 * 1024
MAX_HEAD: Final = MAX_TARGET + MAX_HEADER_BYTES
MAX_AHEAD: Final = 64 * 1024  # bytes of further requests that may wait for their turn
LINGER_SECONDS: Final = 5.0
LAST_CALL_SECONDS: Final = 0.5
FOREVER: Final = float("inf")
# What a connection waits for: a request, the check of its token, its body, the answer; or only for its end.
HEAD, TOKEN, BODY, ANSWER, END = range(5)
_PROBLEM_HEADER: Final = b"".join(
    b"%b: %b\r\n" % (name.lower().encode(), value.encode())
    for name, value in {**API_HEADERS, "content-type": problems.MEDIA_TYPE}.items()
)

log = get_logger(__name__)


class Client(HttpToolsProtocol):
    """One connection of a client."""

    def __init__(
        self,
        door: "Door",
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.door = door
        self.due = FOREVER  # when the door's clock looks at us again
        self.closes = False  # after the present answer
        self.speaks_chunks = True
        self._stage = HEAD
        self._waiting = b""
        self._body: Body | None = None
        self._exchange: Exchange | None = None
        self._checking: asyncio.Task[None] | None = None
        self._address = ""
        # A client mostly sends the same header again: the version and lines of the last one, and what they mean.
        self._last_minor = self._last_lines = b""
        self._last_header: RequestHeader | None = None

    # Bytes come in

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        super().connection_made(transport)  # type: ignore[arg-type]  # as above
        self.door.clients.add(self)
        self._address = self.client[0] if self.client else ""
        self.due = self.loop.time() + self.door.settings.slow_client_seconds

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if self._stage == END:  # what still comes is not read any more
            return
        self._waiting = self._waiting + data if self._waiting else data
        self._read()

    def _read(self) -> None:
        while self._waiting:
            if self._stage == HEAD:
                if not self._read_head():
                    return
            elif self._stage == BODY:
                self._read_body()
            else:
                if len(self._waiting) > MAX_AHEAD:
                    self.transport.pause_reading()
                return

    def _read_head(self) -> bool:
        """Take one request from what has come; False when its header is not complete."""
        data = self._waiting
        end = data.find(b"\r\n\r\n") + 4
        if end < 4 or end > MAX_HEAD:
            self._await_head(data)
            return False
        self._waiting = data[end:] if end < len(data) else b""
        head = REQUEST_HEAD.fullmatch(data, 0, end)
        if head is None:
            self._refuse_bytes(MalformedRequest() if data[:end].count(b"\r\n") <= MAX_FIELDS + 2 else HeadersTooLarge())
            return False
        method, target, minor, lines = head.groups()
        request = Request(method, target, monotonic())
        try:
            request.describe(self._header(lines, minor))
            self.door.mark(request)
            waits = self.door.admit(request)
        except DomainError as error:
            self._expect_no_more(request, error)
            return self._stage == HEAD
        if waits:
            self._stage, self.due = TOKEN, FOREVER
            self._checking = self.loop.create_task(self._check_token(request))
        else:
            self._pass_on(request)
        return True

    def _await_head(self, data: bytes) -> None:
        if self._stage != HEAD:
            return
        line = data.find(b"\r\n")
        if (line < 0 and len(data) > MAX_TARGET + 64) or line > MAX_TARGET + 64:
            self._refuse_bytes(TargetTooLong())
        elif len(data) - max(line, 0) > MAX_HEADER_BYTES or data.count(b"\r\n") > MAX_FIELDS + 1:
            self._refuse_bytes(HeadersTooLarge())
        elif HOPELESS.search(data):
            self._refuse_bytes(MalformedRequest())
        elif self.due == FOREVER or self._last_header is not None:
            self.due = min(self.due, self.loop.time() + self.door.settings.slow_client_seconds)

    def _header(self, lines: bytes, minor: bytes) -> RequestHeader:
        if lines == self._last_lines and minor == self._last_minor and self._last_header is not None:
            return self._last_header
        if len(lines) > MAX_HEADER_BYTES or lines.count(b"\r\n") > MAX_FIELDS:
            raise HeadersTooLarge
        header = read_request_header(
            lines,
            minor=minor,
            client_of=lambda sent: self.door.client_behind(self._address, sent),
            scheme=self.door.scheme,
        )
        self.speaks_chunks = minor == b"1"
        self._last_minor, self._last_lines, self._last_header = minor, lines, header
        return header

    def _read_body(self) -> None:
        assert self._body is not None  # noqa: S101 - the stage says so
        assert self._exchange is not None  # noqa: S101 - as above
        try:
            piece, self._waiting = self._body.feed(self._waiting)
        except FramingError:
            self._waiting = b""
            self._exchange.fail(BadFraming())
            return
        if self._body.done:
            self._stage = ANSWER
        elif not piece:
            return
        self._exchange.send(piece, last=self._body.done)

    # A request is complete

    async def _check_token(self, request: Request) -> None:
        try:
            await self.door.identify(request)
        except DomainError as error:
            self._checking = None
            self._expect_no_more(request, error)
        else:
            self._checking = None
            self._pass_on(request)
        self._go_on()

    def _pass_on(self, request: Request) -> None:
        try:
            self._dispatch(request)
        except Exception:
            log.exception("request.failed", path=request.path.decode("latin-1"), request_id=request.request_id)
            if self._exchange is not None:
                self._exchange.fail(InternalError())
            else:
                self._expect_no_more(request, InternalError())

    def _dispatch(self, request: Request) -> None:
        header, entry = request.header, request.entry
        assert header is not None  # noqa: S101 - it was admitted
        assert entry is not None  # noqa: S101 - as above
        self.closes = header.close or self.door.draining
        if entry.service is None:
            self._stage, self.due = ANSWER, self.loop.time() + entry.route.total_seconds
            self._answer_ourselves(request)
            return
        exchange = self._exchange = Exchange(self, request, self.door.upstreams[entry.service])
        if header.has_body:
            self._stage = BODY
            self._body = Chunked() if header.chunked else Sized(header.length or 0)
            self.due = self.loop.time() + min(self.door.settings.slow_client_seconds, entry.route.idle_seconds)
            if header.expects_continue:
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        else:
            self._stage = ANSWER
            exchange.send(b"", last=True)

    def _answer_ourselves(self, request: Request) -> None:
        """Let uvicorn's part of us serve a request for the application, as it was checked."""
        head = request.head()
        super().data_received(head if not self.closes else head[:-2] + b"connection: close\r\n\r\n")
        limits = [tuple(line.split(b": ", 1)) for line in (request.limits + self.door.always).split(b"\r\n")[:-1]]
        self.cycle.default_headers = [*self.cycle.default_headers, *limits]  # type: ignore[list-item]  # pairs they are

    def on_response_complete(self) -> None:
        """Uvicorn's part has answered."""
        self.server_state.total_requests += 1
        if not self.transport.is_closing():
            self.answered(close=False, unread=False)

    # An answer is out

    def answered(self, *, close: bool, unread: bool) -> None:
        """The present request is done with. ``unread``: its body was not read to the end."""
        self._exchange = self._body = None
        if close or unread or self.door.draining:
            self._end(unread=unread)
            return
        self._stage = HEAD
        self.due = self.loop.time() + self.door.settings.idle_seconds
        if self._waiting:
            self.transport.resume_reading()
            self.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        if not self.transport.is_closing():
            self.data_received(b"")

    def refuse(self, request: Request, error: DomainError, *, unread: bool, upstream: Upstream | None = None) -> None:
        """Answer with a problem."""
        close = unread or self.closes or self.door.draining
        body = problems.render(error, path=request.path.decode("latin-1"), request_id=request.request_id)
        own = "".join(f"{name.lower()}: {value}\r\n" for name, value in error.headers.items()).encode("latin-1")
        own += b"".join(b"%b: %b\r\n" % field for field in self.server_state.default_headers)  # Date
        head = b"%b%b%bcontent-length: %d\r\nx-request-id: %b\r\n%b%b%b\r\n" % (
            STATUS_LINES[error.status], _PROBLEM_HEADER, own, len(body), request.request_id.encode("ascii"),
            request.limits, self.door.always, b"connection: close\r\n" if close else b"",
        )  # fmt: skip
        self.transport.write(head if request.method == b"HEAD" else head + body)
        self.door.seen(request, error.status, upstream, refused=error)
        self.answered(close=close, unread=unread)

    def _expect_no_more(self, request: Request, error: DomainError) -> None:
        """Refuse a request of which the body, if there is one, was not read."""
        header = request.header
        self.closes = header is None or header.close
        self.refuse(request, error, unread=header is None or header.has_body)

    def _refuse_bytes(self, error: DomainError) -> None:
        """Refuse what is no request, and whatever follows it."""
        self._waiting = b""
        self.refuse(Request(b"-", b"/", monotonic()), error, unread=True)

    def _end(self, *, unread: bool) -> None:
        """Close. When the client still sends, read on for a moment: a reset could overtake the answer."""
        self._waiting = b""
        self._stage = END
        if not unread or not self.transport.can_write_eof():
            self.transport.close()
            return
        self.due = self.loop.time() + LINGER_SECONDS
        self.transport.resume_reading()
        self.transport.write_eof()

    # The clock, the flow, the end

    def overdue(self, now: float) -> None:
        """Called by the door when ``due`` has passed."""
        if self._stage == END:
            self.transport.abort()
        elif self._stage == HEAD and self._waiting:
            self._refuse_bytes(SlowRequest())
        elif self._exchange is not None:
            self._exchange.overdue(now)
        else:  # it asks for nothing, or does not take what the own pages answered
            self.transport.close()

    def read_on(self, *, reading: bool) -> None:
        """Let the client wait with its body, or go on."""
        if reading:
            self.transport.resume_reading()
        else:
            self.transport.pause_reading()

    def pause_writing(self) -> None:
        """See asyncio.BaseProtocol."""
        super().pause_writing()
        if self._exchange is not None:
            self._exchange.on_client_full(full=True)

    def resume_writing(self) -> None:
        """See asyncio.BaseProtocol."""
        super().resume_writing()
        if self._exchange is not None:
            self._exchange.on_client_full(full=False)

    def shutdown(self) -> None:
        """The server stops: end after the present answer, or soon; a request may be on its way here."""
        if self._stage == HEAD:
            self.due = min(self.due, self.loop.time() + LAST_CALL_SECONDS)
        else:
            self.closes = True
            if self._exchange is not None:
                self._exchange.end_stream()
            elif self.cycle is not None:
                self.cycle.keep_alive = False

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.BaseProtocol."""
        self._stage, self.due = END, FOREVER
        self.door.clients.discard(self)
        super().connection_lost(exc)
        if self._checking is not None:
            self._checking.cancel()
        if self._exchange is not None:
            exchange, self._exchange = self._exchange, None
            exchange.abandon()
