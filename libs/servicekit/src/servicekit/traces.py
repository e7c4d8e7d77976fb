"""Traces as OpenTelemetry has them, sent to a collector when one is named (OTLP over HTTP); else nothing is recorded.

Each process adds its spans to the trace that comes with a request (W3C Trace Context). Whether a trace is recorded is
decided where it begins, at the gateway (docs/adr/0025).
"""

from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager

import httpx
import structlog
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from servicekit.settings import ServiceSettings

EXPORT_SECONDS = 2.0  # also how long a collector that is away holds up the end of a process
_PROPAGATOR = TraceContextTextMapPropagator()


def configure(service: str, settings: ServiceSettings) -> None:
    """Record from now on, in this process, when the settings name a collector.

    FastAPI makes the spans of requests itself, once there is somebody to take them. What waits to be sent is sent when
    the process ends. A collector that is away costs spans, never a request.
    """
    if settings.traces_url is None:
        return
    # These take a tenth of a second to import.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(endpoint=settings.traces_url, timeout=EXPORT_SECONDS))
    )
    trace.set_tracer_provider(provider)


@contextmanager
def job_span(name: str, caller: Mapping[str, str]) -> Iterator[None]:
    """A span for a job, in the trace of whoever rang for it, when that is told.

    Of an exception only the kind is recorded: its text may hold anything.
    """
    with trace.get_tracer("appraise").start_as_current_span(
        name, _PROPAGATOR.extract(caller), SpanKind.CONSUMER, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield
        except BaseException as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(StatusCode.ERROR)
            raise


def here() -> dict[str, str]:
    """What a message has to carry so that its receiver's part belongs to the same trace; nothing outside of one."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier


async def carry_on(request: httpx.Request) -> None:
    """An event hook of httpx: a sibling's part belongs to the same trace, and its log lines to the same request."""
    request.headers.update(here())
    if request_id := structlog.contextvars.get_contextvars().get("request_id"):
        request.headers.setdefault("X-Request-ID", request_id)


def name_trace(_logger: object, _method: str, event: MutableMapping[str, object]) -> MutableMapping[str, object]:
    """A processor of structlog: each line names the trace and the span in which it was written."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"], event["span_id"] = f"{context.trace_id:032x}", f"{context.span_id:016x}"
    return event
