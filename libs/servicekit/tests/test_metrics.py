"""What Prometheus is told: every request by its route, and what a service looks at when it is asked."""

import httpx
from fastapi import FastAPI
from prometheus_client import Gauge
from prometheus_client.parser import text_string_to_metric_families

REQUESTS = "http_server_request_duration_seconds_count"


async def scrape(client: httpx.AsyncClient) -> dict[tuple[str, ...], float]:
    """Values by name and values of the labels."""
    answer = await client.get("/internal/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_requests_are_counted_by_the_pattern_of_their_route_and_by_status(client: httpx.AsyncClient) -> None:
    for path in ("/api/v1/things/a", "/api/v1/things/b", "/api/v1/conflict", "/nowhere", "/healthz", "/api/v1/crash"):
        await client.get(path)
    await client.head("/api/v1/things/c")
    await client.post("/api/v1/things", content=b"{", headers={"Content-Type": "application/json"})
    found = await scrape(client)
    assert {labels[1:]: value for labels, value in found.items() if labels[0] == REQUESTS} == {
        ("GET", "200", "/api/v1/things/{name}"): 2,
        ("HEAD", "200", "/api/v1/things/{name}"): 1,
        ("GET", "409", "/api/v1/conflict"): 1,
        ("GET", "500", "/api/v1/crash"): 1,
        ("POST", "400", ""): 1,  # refused before there was a route
        ("GET", "404", ""): 1,
    }
    assert found["process_resident_memory_bytes",] > 0


async def test_what_is_measured_is_measured_at_the_scrape_and_a_failure_is_told(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    answers = [3.0, 4.0]
    gauge = Gauge("things_waiting", "Of the test", registry=app.state.metrics)

    async def measure() -> None:
        gauge.set(answers.pop(0))

    app.state.metrics.measures["things"] = measure
    first, second, third = [await scrape(client) for _ in range(3)]
    assert [one["things_waiting",] for one in (first, second, third)] == [3, 4, 4]
    assert [one["appraise_measured", "things"] for one in (first, second, third)] == [1, 1, 0]
    assert not [labels for labels in third if labels[0] == REQUESTS]  # a scrape is not counted
