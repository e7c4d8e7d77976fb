"""What Prometheus gets at ``/internal/metrics``, which the gateway does not know (docs/adr/0037)."""

import prometheus_client as prometheus
from fastapi import APIRouter, Request, Response

from servicekit.health import Check, outcomes

router = APIRouter(include_in_schema=False)


class Metrics(prometheus.CollectorRegistry):
    """Those of one application. ``measures`` set what is looked at only when somebody asks."""

    def __init__(self) -> None:
        super().__init__()
        prometheus.ProcessCollector(registry=self)
        labels = ("http_request_method", "http_route", "http_response_status_code")  # OpenTelemetry's, as the buckets
        self.requests = prometheus.Histogram("http_server_request_duration_seconds", "By route", labels, registry=self)
        self.measured = prometheus.Gauge("appraise_measured", "0: its metrics are old", ["what"], registry=self)
        self.measures: dict[str, Check] = {}


@router.get("/internal/metrics")
async def scrape(request: Request) -> Response:
    """Everything as it is now."""
    metrics: Metrics = request.app.state.metrics
    for what, came in (await outcomes(metrics.measures, 8)).items():  # Prometheus gives up after ten seconds
        metrics.measured.labels(what).set(came == "ok")
    return Response(prometheus.generate_latest(metrics), media_type=prometheus.CONTENT_TYPE_LATEST)
