"""A line for each request: written without the usual machinery, which costs more than the whole relay.

No header, no query and no body is in it, so no secret is. Refusals and errors always have a line; of good answers the
share that is asked for. Lines are written together, a few times a second.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any, BinaryIO, Final

import msgspec

from gateway.request import Request
from servicekit.problems import DomainError

FLUSH_SECONDS: Final = 0.2
FLUSH_LINES: Final = 500


class AccessLog:
    """Lines of JSON, or of text for a terminal, to a stream."""

    def __init__(self, stream: BinaryIO, *, share: float, text: bool) -> None:
        self._stream = stream
        self._share = share
        self._owed = 0.0
        self._encode: Callable[[dict[str, Any]], bytes] = _as_text if text else msgspec.json.Encoder().encode
        self._lines: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None

    def write(
        self, request: Request, status: int, *, service: str, seconds: float, error: DomainError | None, cut: bool
    ) -> None:
        """A request is done."""
        if status < 400 and not cut:
            self._owed += self._share
            if self._owed < 1:
                return
            self._owed -= 1
        line: dict[str, Any] = {
            "event": "request.cut" if cut else "request.refused" if error is not None else "request",
            "level": "warning" if cut or status >= 500 else "info",
            "timestamp": _now(),
            "service": "gateway",
            "upstream": service,
            "method": request.method.decode("ascii"),
            "path": request.path.decode("latin-1"),
            "status_code": status,
            "ms": round(seconds * 1000, 1),
            "request_id": request.request_id,
            "trace_id": request.trace_id,
        }
        if request.header is not None:
            line["client"] = request.header.address
        if request.principal is not None:
            line["user_id"] = request.principal.user_id
        if error is not None:
            line["problem_code"] = error.code
        self._lines.append(self._encode(line))
        if len(self._lines) >= FLUSH_LINES:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)

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


def _now() -> str:
    now = time.time()
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1000):03d}Z"


def _as_text(line: dict[str, Any]) -> bytes:
    rest = " ".join(f"{name}={value}" for name, value in line.items() if name not in _PLACED)
    return f"{line['timestamp']} [{line['level']}] {line['event']} {rest}".encode("ascii", "backslashreplace")


_PLACED: Final = frozenset({"timestamp", "level", "event", "service", "trace_id"})
