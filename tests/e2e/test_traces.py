"""One trace from the gateway through everything that works for a request, as a collector gets it."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import groupby

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from running_platform import ADMIN, Account, Platform, eventually

pytestmark = pytest.mark.e2e

JOB, PAGE = "5af7651916cd43dd8448eb211c80319c", "0af7651916cd43dd8448eb211c80319d"
CALLER = "00f067aa0ba902b7"


@dataclass(frozen=True)
class Span:
    """What we look at."""

    trace: str
    service: str
    name: str
    parent: str


class Collector(ThreadingHTTPServer):
    """Takes spans over OTLP, as an OpenTelemetry collector does."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.spans: dict[str, Span] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1/traces"

    def of(self, trace: str, wanted: Callable[[Span], bool]) -> list[Span]:
        """The spans of a trace that are wanted."""
        return [span for span in list(self.spans.values()) if span.trace == trace and wanted(span)]

    def above(self, span: Span) -> list[Span]:
        """Those above ``span``, the nearest first, up to our own request; empty until all have come."""
        found: list[Span] = []
        parent = span.parent
        while parent in self.spans:
            found.append(self.spans[parent])
            parent = found[-1].parent
        return found if parent == CALLER else []

    def take(self, request: ExportTraceServiceRequest) -> None:
        for of_process in request.resource_spans:
            (service,) = (one.value.string_value for one in of_process.resource.attributes if one.key == "service.name")
            for span in (span for scope in of_process.scope_spans for span in scope.spans):
                found = Span(span.trace_id.hex(), service, span.name, span.parent_span_id.hex())
                self.spans[span.span_id.hex()] = found


class _Taking(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.take(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
        """Silent."""


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def traced(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform of which some parts tell this collector what they do."""
    settings = {f"{name}_TRACES_URL": collector.url for name in ("GATEWAY", "ISIN", "WEB", "CATALOG")}
    settings |= {"GATEWAY_TRACES_SHARE": "1", "APPRAISE_DEMO": "0", "OTEL_BSP_SCHEDULE_DELAY": "200"}
    platform = Platform(tmp_path_factory.mktemp("traced") / "var", extra_env=settings).launch().wait_ready()
    try:
        yield platform
    finally:
        platform.stop()


def _told(trace: str) -> dict[str, str]:
    return {"traceparent": f"00-{trace}-{CALLER}-00"}


def test_a_trace_goes_from_the_gateway_through_the_service_into_the_job(collector: Collector, traced: Platform) -> None:
    admin = Account(traced.url).sign_in(*ADMIN)
    admin.http.headers.update(_told(JOB))
    assert admin.post("/api/v1/feeds/nse-equity/runs").status_code == 202

    def way() -> list[str]:
        jobs = collector.of(JOB, lambda span: span.name == "reconcile")
        return [span.name for job in jobs for span in collector.above(job)]

    names = eventually(way)
    assert names[-2:] == ["POST /api/v1/feeds/{name}/runs", "POST /api/v1/feeds"]


def test_a_trace_goes_from_a_page_through_its_calls_into_the_service(collector: Collector, traced: Platform) -> None:
    assert Account(traced.url).http.get("/apps", headers=_told(PAGE)).status_code == 200

    def way() -> list[str]:
        calls = collector.of(PAGE, lambda span: span.service == "catalog_service" and span.name.startswith("GET "))
        return [span.service for span in collector.above(calls[0])] if calls else []

    services = [service for service, _ in groupby(eventually(way))]  # one may have several spans
    assert services[-3:] == ["gateway", "web", "gateway"]
