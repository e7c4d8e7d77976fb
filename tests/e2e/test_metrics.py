"""Prometheus finds every metric that a rule or a dashboard asks for, and nobody gets them through the gateway."""

import re
from collections import defaultdict

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from queries import Query, queries, recorded
from running_platform import ADMIN, Account, Platform, eventually

pytestmark = pytest.mark.e2e

SERVICES = ("auth", "catalog", "rewards", "isin")
OF_PROMETHEUS = {"up": set[str](), "ALERTS": {"alertstate"}}
OF_EVERY_TARGET = {"job", "instance"}

Values = dict[str, dict[str, set[str]]]  # of labels, by metric


def addresses(platform: Platform) -> dict[str, str]:
    """Where each part tells its metrics."""
    settings = dict(re.findall(r"^GATEWAY_(\w+)='(.*)'$", (platform.var / "run/gateway.env").read_text(), re.MULTILINE))
    services = {name: f"{settings[f'{name.upper()}_URL']}/internal/metrics" for name in SERVICES}
    return services | {"gateway": f"http://127.0.0.1:{settings['METRICS_PORT']}/metrics"}


def scrape(platform: Platform) -> Values:
    """All that the running platform tells."""
    found: Values = defaultdict(lambda: defaultdict(set))
    for job, address in addresses(platform).items():
        for family in text_string_to_metric_families(httpx.get(address).raise_for_status().text):
            for sample in family.samples:
                for label, value in (sample.labels | {"job": job, "instance": ""}).items():
                    found[sample.name][label].add(value)
    return found


def faults(query: Query, told: Values) -> list[str]:
    """What the query asks for and nobody tells."""
    known = {name: set(labels) for name, labels in told.items()} | recorded()
    known |= {name: labels | OF_EVERY_TARGET for name, labels in OF_PROMETHEUS.items()}
    found = [f"metric {name}" for name, _ in query.selectors if name not in known]
    for name, matchers in query.selectors:
        for label, operator, value in matchers:
            if label not in known.get(name, ()):
                found.append(f"label {label} of {name}")
            elif name in told and operator == "=" and value not in told[name][label]:
                found.append(f"{name} with {label}={value}")
    together = set[str]().union(*(known.get(name, set()) for name, _ in query.selectors))
    return found + [f"label {label}" for label in (query.grouped - {"le"} | query.shown) - together]


@pytest.fixture(scope="module")
def told(platform: Platform) -> Values:
    """What is told once something has happened."""
    assert Account(platform.url).get("/api/v1/points").status_code == 401  # refused by the gateway
    admin = Account(platform.url).sign_in(*ADMIN)
    for path in ("/api/v1/apps", "/api/v1/points", "/api/v1/feeds", "/login"):
        assert admin.get(path).status_code == 200
    assert eventually(lambda: "isin_feed_age_seconds" in scrape(platform), seconds=120)
    return scrape(platform)


@pytest.mark.parametrize("query", [pytest.param(query, id=query.where) for query in queries()])
def test_what_a_rule_or_a_dashboard_asks_for_is_told(query: Query, told: Values) -> None:
    assert query.selectors
    assert faults(query, told) == []


@pytest.mark.parametrize(
    "text",
    [
        "max by (feed) (isin_feed_overdue_secs)",
        'max by (feed) (isin_runs{state="dead"})',
        'max by (feed) (isin_runs{status="lost"})',
        "max by (list) (isin_feed_rows)",
        'gateway_request_seconds_bucket{le="0.6"}',
    ],
)
def test_a_query_for_what_nobody_tells_is_found(text: str, told: Values) -> None:
    assert faults(Query("", text, shown=set()), told) != []
    assert faults(Query("", "max by (feed) (isin_feed_rows)", shown={"check"}), told) == ["label check"]


def test_the_gateway_leads_nobody_to_them(platform: Platform) -> None:
    for path in ("/internal/metrics", "/metrics", "/api/v1/internal/metrics", "/api/v1/../internal/metrics"):
        answer = httpx.get(platform.url + path)
        assert answer.status_code in {400, 404}
        assert "process_resident_memory_bytes" not in answer.text
