"""What Prometheus gets at ``/internal/metrics``, which the gateway does not know (docs/adr/0037)."""

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, Histogram, ProcessCollector, generate_latest

from servicekit.health import Check, outcomes

MEASURE_SECONDS = 8.0  # Prometheus gives up after ten
LABELS = ("http_request_method", "http_route", "http_response_status_code")  # OpenTelemetry's names, and buckets
router = APIRouter(include_in_schema=False)


class Metrics(CollectorRegistry):
    """Those of one application. ``measures`` set what is looked at only when somebody asks."""

    def __init__(self) -> None:
        super().__init__()
        ProcessCollector(registry=self)
        self.requests = Histogram("http_server_request_duration_seconds", "By route, '' for none", LABELS, registry=self)
        self.measured = Gauge("measured", "0 when the last try failed: its metrics are old", ["what"], registry=self)
        self.measures: dict[str, Check] = {}


@router.get("/internal/metrics")
async def scrape(request: Request) -> Response:
    """Everything as it is now."""
    metrics: Metrics = request.app.state.metrics
    for what, came in (await outcomes(metrics.measures, MEASURE_SECONDS)).items():
        metrics.measured.labels(what).set(came == "ok")
    return Response(generate_latest(metrics), media_type=CONTENT_TYPE_LATEST)
