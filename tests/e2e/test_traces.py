"""One trace from the gateway through a service into the job that it rang for, as a collector gets it."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from running_platform import ADMIN, Account, Platform, eventually

pytestmark = pytest.mark.e2e

TRACE, CALLER = "5af7651916cd43dd8448eb211c80319c", "00f067aa0ba902b7"


@dataclass(frozen=True)
class Span:
    """What we look at."""

    service: str
    name: str
    parent: str


class Collector(ThreadingHTTPServer):
    """Takes the spans of our trace over OTLP, as an OpenTelemetry collector does."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.spans: dict[str, Span] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1/traces"

    def ancestors_of(self, name: str) -> list[str]:
        """The names from the parent upwards; at the end the id of a span that we have not."""
        found: list[str] = []
        parent = next((span.parent for span in self.spans.values() if span.name == name), None)
        while parent in self.spans:
            found.append(self.spans[parent].name)
            parent = self.spans[parent].parent
        return [*found, parent] if parent else found

    def take(self, request: ExportTraceServiceRequest) -> None:
        for of_process in request.resource_spans:
            (service,) = (one.value.string_value for one in of_process.resource.attributes if one.key == "service.name")
            for span in (span for scope in of_process.scope_spans for span in scope.spans):
                if span.trace_id.hex() == TRACE:
                    self.spans[span.span_id.hex()] = Span(service, span.name, span.parent_span_id.hex())


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


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_trace_goes_from_the_gateway_through_the_service_into_the_job(collector: Collector, tmp_path: Path) -> None:
    settings = {f"{name}_TRACES_URL": collector.url for name in ("GATEWAY", "ISIN")}
    settings |= {"GATEWAY_TRACES_SHARE": "1", "APPRAISE_DEMO": "0", "OTEL_BSP_SCHEDULE_DELAY": "200"}
    platform = Platform(tmp_path / "var", extra_env=settings).launch().wait_ready()
    try:
        admin = Account(platform.url).sign_in(*ADMIN)
        admin.http.headers["traceparent"] = f"00-{TRACE}-{CALLER}-00"
        assert admin.post("/api/v1/feeds/nse-equity/runs").status_code == 202
        eventually(lambda: collector.ancestors_of("reconcile")[-1:] == [CALLER])
    finally:
        platform.stop()
    names = collector.ancestors_of("reconcile")
    assert names[-3:] == ["POST /api/v1/feeds/{name}/runs", "POST /api/v1/feeds", CALLER]
