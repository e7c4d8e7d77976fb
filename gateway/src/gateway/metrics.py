"""What Prometheus gets on the private port. Counting is plain arithmetic; its form is made when somebody asks."""

from bisect import bisect_left
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

OWN: Final = "gateway"  # what no service is asked for


class Tally:
    """The answers of one service."""

    __slots__ = ("answers", "buckets", "refusals", "seconds")

    def __init__(self) -> None:
        self.answers: dict[int, int] = {}  # by status
        self.refusals: dict[str, int] = {}  # by the code of a problem that the gateway itself answered with
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0

    def count(self, status: int, seconds: float, code: str | None) -> None:
        """One request is done."""
        self.answers[status] = self.answers.get(status, 0) + 1
        self.buckets[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds
        if code is not None:
            self.refusals[code] = self.refusals.get(code, 0) + 1


class Metrics(Collector):
    """Answers by service and status, how long they took, refusals by code; and the door as it stands."""

    def __init__(self, services: Iterable[str]) -> None:
        self.door: Door | None = None
        self.tallies = {name: Tally() for name in (*services, OWN)}

    def registry(self) -> CollectorRegistry:
        """What an exporter reads."""
        registry = CollectorRegistry()
        registry.register(self)
        return registry

    def collect(self) -> Iterable[Metric]:
        """See prometheus_client. It runs in the exporter's thread, so everything is copied before it is walked."""
        answers = CounterMetricFamily("gateway_requests", "By service and status", labels=["service", "status"])
        refusals = CounterMetricFamily("gateway_refusals", "The gateway's own problems", labels=["service", "code"])
        took = HistogramMetricFamily("gateway_request_seconds", "From the header to the end", labels=["service"])
        for name, tally in self.tallies.items():
            for status, count in dict(tally.answers).items():
                answers.add_metric([name, str(status)], count)
            for code, count in dict(tally.refusals).items():
                refusals.add_metric([name, code], count)
            took.add_metric([name], _cumulative(list(tally.buckets)), tally.seconds)
        yield from (answers, refusals, took)
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
