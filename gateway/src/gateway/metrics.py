"""What Prometheus gets on the private port. Counting is plain arithmetic; its form is made when somebody asks."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from gateway.door import Door

BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)  # seconds


class Metrics(Collector):
    """Answers by service and status, how long they took, refusals by code; and the door as it stands."""

    def __init__(self) -> None:
        self.door: Door | None = None
        self._answers: Counter[tuple[str, int]] = Counter()
        self._refusals: Counter[str] = Counter()
        self._seconds: dict[str, list[int]] = {}
        self._sums: dict[str, float] = {}

    def count(self, service: str, status: int, seconds: float, code: str | None) -> None:
        """One request is done. ``code``: of the problem that the gateway itself answered with."""
        self._answers[service, status] += 1
        buckets = self._seconds.get(service)
        if buckets is None:
            buckets = self._seconds[service] = [0] * (len(BOUNDS) + 1)
            self._sums[service] = 0.0
        buckets[bisect_left(BOUNDS, seconds)] += 1
        self._sums[service] += seconds
        if code is not None:
            self._refusals[code] += 1

    def registry(self) -> CollectorRegistry:
        """What an exporter reads."""
        registry = CollectorRegistry()
        registry.register(self)
        return registry

    def collect(self) -> Iterable[Metric]:
        """See prometheus_client. It runs in the exporter's thread, so everything is copied before it is walked."""
        answers = CounterMetricFamily(
            "gateway_requests", "Answers, by service and status", labels=["service", "status"]
        )
        for (service, status), count in dict(self._answers).items():
            answers.add_metric([service, str(status)], count)
        yield answers
        refusals = CounterMetricFamily("gateway_refusals", "Problems of the gateway's own, by code", labels=["code"])
        for code, count in dict(self._refusals).items():
            refusals.add_metric([code], count)
        yield refusals
        took = HistogramMetricFamily("gateway_request_seconds", "From the header to the end", labels=["service"])
        for service, buckets in dict(self._seconds).items():
            took.add_metric([service], _cumulative(list(buckets)), self._sums[service])
        yield took
        if self.door is not None:
            yield from _standing(self.door)


def _cumulative(buckets: list[int]) -> list[tuple[str, float]]:
    total, found = 0, []
    for bound, count in zip([*map(str, BOUNDS), "+Inf"], buckets, strict=True):
        total += count
        found.append((bound, float(total)))
    return found


def _standing(door: "Door") -> Iterable[Metric]:
    in_flight = GaugeMetricFamily("gateway_in_flight", "Requests at a service", labels=["service", "kind"])
    works = GaugeMetricFamily("gateway_address_works", "0 while its breaker is open", labels=["service", "address"])
    for name, upstream in door.upstreams.items():
        for kind, count in zip(("ordinary", "stream"), upstream.in_flight, strict=True):
            in_flight.add_metric([name, kind], count)
        for address in list(upstream.addresses):
            works.add_metric([name, f"{address.host}:{address.port}"], float(address.works))
    yield in_flight
    yield works
    yield GaugeMetricFamily("gateway_connections", "Connections of clients", value=len(door.clients))
