"""A line for each request: written without the usual machinery, which costs more than the whole relay.

No header, no query and no body is in it, so no secret is. Refusals and errors always have a line; of good answers the
share that is asked for. Lines are written together, a few times a second.
"""

import asyncio
import time
from typing import BinaryIO, Final
from uuid import UUID

import msgspec

from gateway.request import Request
from servicekit.problems import DomainError

FLUSH_SECONDS: Final = 0.2
FLUSH_LINES: Final = 500


class Line(msgspec.Struct, omit_defaults=True, tag_field="service", tag="gateway"):
    """What is written about a request."""

    event: str
    level: str
    timestamp: str
    upstream: str
    method: str
    path: str
    status_code: int
    ms: float
    request_id: str
    trace_id: str
    span_id: str
    client: str
    parent_id: str | None = None  # of the span, when the client has one
    user_id: UUID | None = None
    problem_code: str | None = None


_ENCODER: Final = msgspec.json.Encoder()


class AccessLog:
    """Lines of JSON, or of text for a terminal, to a stream."""

    def __init__(self, stream: BinaryIO, *, share: float, text: bool) -> None:
        self._stream = stream
        self._share = share
        self._owed = 0.0
        self._encode = _as_text if text else _ENCODER.encode
        self._second = 0
        self._second_text = ""
        self._lines: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None

    def write(
        self, request: Request, status: int, *, service: str, seconds: float, error: DomainError | None, cut: bool
    ) -> None:
        """A request is done."""
        if status < 400 and not cut:
            self._owed += self._share
            if self._owed < 0.999_999:  # sums of tenths are not exact
                return
            self._owed -= 1
        header, principal = request.header, request.principal
        line = Line(
            "request.cut" if cut else "request.refused" if error is not None else "request",
            "warning" if cut or status >= 500 else "info",
            self._now(),
            service,
            request.method.decode("ascii"),
            request.path.decode("latin-1"),
            status,
            round(seconds * 1000, 1),
            request.request_id,
            request.trace_id,
            request.span_id,
            "" if header is None else header.address,
            None if header is None or header.trace is None else header.trace[36:52].decode("ascii"),
            None if principal is None else principal.user_id,
            None if error is None else error.code,
        )
        self._lines.append(self._encode(line))
        if len(self._lines) >= FLUSH_LINES:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)

    def _now(self) -> str:
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second, self._second_text = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return "%s.%06dZ" % (self._second_text, (now - second) * 1e6)  # noqa: UP031 - a third of an f-string's time

    def flush(self) -> None:
        """Write what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._lines:
            self._lines.append(b"")
            lines, self._lines = self._lines, []
            self._stream.write(b"\n".join(lines))
            self._stream.flush()


def _as_text(line: Line) -> bytes:
    """As the other parts write to a terminal."""
    rest = f"{line.method} {line.path} {line.status_code} {line.upstream} ms={line.ms} request_id={line.request_id}"
    code = f" problem_code={line.problem_code}" if line.problem_code else ""
    return f"{line.timestamp} [{line.level}] {line.event} {rest}{code}".encode("ascii", "backslashreplace")
