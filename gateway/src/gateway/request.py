"""One request, from its first line to its line in the log."""

from random import getrandbits  # ids, not secrets
from typing import Final

from gateway.hygiene import RequestHeader
from gateway.routes import Entry
from servicekit.tokens import Principal

_REPEATABLE: Final = frozenset({b"GET", b"HEAD"})


class Request:
    """What is known about a request so far. ``header`` is missing while it is not certain that there is a good one."""

    __slots__ = (
        "entry", "flags", "header", "limits", "method", "path", "principal", "request_id", "span_id", "started",
        "target", "trace_id",
    )  # fmt: skip

    def __init__(self, method: bytes, target: bytes, started: float) -> None:
        self.method = method
        self.target = target
        self.path = target.partition(b"?")[0]
        self.started = started
        self.header: RequestHeader | None = None
        self.entry: Entry | None = None
        self.principal: Principal | None = None
        self.flags = b"01"  # of the trace: whether it is recorded
        self.limits = b""  # header lines that tell the client where it stands
        # One draw for all ids: W3C Trace Context wants 16 bytes for a trace and 8 for our part of it.
        # nosemgrep: random-that-can-be-foretold - they are names, not secrets
        drawn = "%048x" % getrandbits(192)  # noqa: UP031 - an f-string takes twice as long
        self.request_id = self.trace_id = drawn[:32]
        self.span_id = drawn[32:]

    def describe(self, header: RequestHeader) -> None:
        """Take over what the client said about itself."""
        self.header = header
        if header.trace is not None:
            self.trace_id = header.trace[3:35].decode("ascii")
            self.flags = header.trace[53:55]
        if header.request_id is not None:
            self.request_id = header.request_id

    @property
    def repeatable(self) -> bool:
        """Whether sending it twice is harmless: by its method, or by its Idempotency-Key."""
        return self.method in _REPEATABLE or (self.header is not None and self.header.keyed)

    def head(self) -> bytes:
        """The first bytes on the way to the upstream. The gateway is one span of the trace, with an id of its own."""
        header = self.header
        assert header is not None  # noqa: S101 - only what was admitted goes on
        return b"%b %b HTTP/1.1\r\n%bx-request-id: %b\r\ntraceparent: 00-%b-%b-%b\r\n\r\n" % (
            self.method, self.target, header.lines, self.request_id.encode("ascii"), self.trace_id.encode("ascii"),
            self.span_id.encode("ascii"), self.flags,
        )  # fmt: skip
