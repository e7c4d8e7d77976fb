"""The gateway's span of a trace, for a collector: built when the request is over, of what its log line has.

OpenTelemetry's tracer costs 12 µs for each request; here only those pay that are recorded, and after their answer is
out (docs/adr/0025).
"""

import time

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.util.types import AttributeValue

from gateway.request import Request
from servicekit.problems import DomainError
from servicekit.traces import EXPORT_SECONDS

_RECORDED = TraceFlags(TraceFlags.SAMPLED)


class Spans:
    """Records a share of all traces, chosen by their ids, so that every replica chooses the same."""

    def __init__(self, url: str, share: float) -> None:
        self._bound = int(share * 2**64)
        self._resource = Resource.create({"service.name": "gateway"})
        self._processor = BatchSpanProcessor(OTLPSpanExporter(endpoint=url, timeout=EXPORT_SECONDS))

    def records(self, trace_id: str) -> bool:
        """Whether this trace is among them."""
        return int(trace_id[16:], 16) < self._bound

    def add(self, request: Request, status: int, *, service: str, seconds: float, error: DomainError | None) -> None:
        """A request is over."""
        ended = time.time_ns()
        method = request.method.decode("ascii")
        attributes: dict[str, AttributeValue] = {
            "http.request.method": method,
            "url.path": request.path.decode("latin-1"),
            "http.response.status_code": status,
            "peer.service": service,
        }
        if error is not None:
            attributes["error.type"] = error.code
        route = "" if request.entry is None else f" {request.entry.route.prefix}"
        parent = None if request.header is None else request.header.trace
        trace_id = int(request.trace_id, 16)
        span = ReadableSpan(
            f"{method}{route}",
            SpanContext(trace_id, int(request.span_id, 16), is_remote=False, trace_flags=_RECORDED),
            None if parent is None else SpanContext(trace_id, int(parent[36:52], 16), is_remote=True),
            self._resource,
            attributes,
            kind=SpanKind.SERVER,
            status=Status(StatusCode.ERROR if status >= 500 else StatusCode.UNSET),
            start_time=ended - int(seconds * 1e9),
            end_time=ended,
        )
        self._processor.on_end(span)

    def close(self) -> None:
        """Send what waits."""
        self._processor.shutdown()  # type: ignore[no-untyped-call]  # theirs
