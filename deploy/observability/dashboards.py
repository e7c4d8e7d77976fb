"""The dashboards of Grafana, said shortly; run it to write ``dashboards/*.json``, which is what Grafana reads.

A panel is a title, a unit, and its queries, each with the legend of its lines.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parent / "dashboards"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH, HEIGHT, COLUMNS = 8, 7, 3
REQUESTS, TIMES = "gateway_requests_total", "gateway_request_seconds_bucket"
ROUTES = "http_server_request_duration_seconds"


class Panel(NamedTuple):
    """``kind``: a curve over time, or the number of now."""

    title: str
    unit: str
    queries: dict[str, str]  # PromQL by legend
    kind: str = "timeseries"


def quantile(share: float, selector: str, by: str) -> str:
    """PromQL: this share of the requests was quicker."""
    return f"histogram_quantile({share}, sum by (le, {by}) (rate({selector}[$__rate_interval])))"


def now(title: str, unit: str, query: str) -> Panel:
    """One number."""
    return Panel(title, unit, {"": query}, "stat")


DASHBOARDS = {
    "platform": (
        "Appraise: the platform",
        now("Alerts that ring", "none", 'count(ALERTS{alertstate="firing"}) or vector(0)'),
        now("Answered without a fault of ours, 30 d", "percentunit",
            f'1 - sum(increase({REQUESTS}{{status=~"5.."}}[30d])) / sum(increase({REQUESTS}[30d]))'),
        now("Quicker than half a second, 30 d", "percentunit",
            f'sum(increase({TIMES}{{le="0.5"}}[30d])) / sum(increase(gateway_request_seconds_count[30d]))'),
        Panel("Requests", "reqps", {"{{service}}": f"sum by (service) (rate({REQUESTS}[$__rate_interval]))"}),
        Panel("Faults (5xx)", "percentunit", {"{{service}}": "appraise:errors:ratio_rate5m"}),
        Panel("Time of 99 in 100", "s", {"{{service}}": quantile(0.99, TIMES, "service")}),
        Panel("Memory", "bytes", {"{{job}} {{instance}}": "process_resident_memory_bytes"}),
        Panel("Processor", "none", {"{{job}} {{instance}}": "rate(process_cpu_seconds_total[$__rate_interval])"}),
        Panel("Replicas that answer", "none", {"{{job}}": "sum by (job) (up)"}),
    ),
    "gateway": (
        "Appraise: the gateway",
        Panel("Answers", "reqps", {"{{status}}": f"sum by (status) (rate({REQUESTS}[$__rate_interval]))"}),
        Panel("Refused by the gateway", "reqps",
              {"{{code}}": "sum by (code) (rate(gateway_refusals_total[$__rate_interval]))"}),
        Panel("Connections of clients", "none", {"{{instance}}": "gateway_connections"}),
        Panel("Time, median", "s", {"{{service}}": quantile(0.5, TIMES, "service")}),
        Panel("Time of 99 in 100", "s", {"{{service}}": quantile(0.99, TIMES, "service")}),
        Panel("At a service", "none", {"{{service}} {{kind}}": "sum by (service, kind) (gateway_in_flight)"}),
        Panel("Addresses that work", "none", {"{{service}}": "sum by (service) (gateway_address_works)"}),
        Panel("Error budget burnt, times what is allowed", "none",
              {"{{service}} 1 h": "appraise:errors:ratio_rate1h / 0.001",
               "{{service}} 6 h": "appraise:errors:ratio_rate6h / 0.001"}),
        Panel("Latency budget burnt, times what is allowed", "none",
              {"{{service}} 1 h": "appraise:slow:ratio_rate1h / 0.01",
               "{{service}} 6 h": "appraise:slow:ratio_rate6h / 0.01"}),
    ),
    "rewards": (
        "Appraise: rewards and the ledger",
        now("Faults of the ledger", "none", "sum(abs(rewards_ledger_faults))"),
        now("Since the ledger was looked at", "s", "time() - max(rewards_ledger_verified_timestamp_seconds)"),
        now("The longest wait for a decision", "s", "max(rewards_reviews_oldest_seconds)"),
        Panel("Proofs that wait", "none", {"waiting": "max(rewards_reviews_waiting)"}),
        Panel("The ledger", "none", {"{{kind}}": "max by (kind) (rewards_ledger_lines)"}),
        Panel("Age of what waits for its seal", "s", {"oldest": "max(rewards_ledger_unsealed_seconds)"}),
        Panel("Writes", "reqps",
              {"{{http_route}} {{http_response_status_code}}": "sum by (http_route, http_response_status_code) (rate("
               f'{ROUTES}_count{{job="rewards", http_request_method!="GET"}}[$__rate_interval]))'}),
        Panel("Time of 99 in 100", "s", {"{{http_route}}": quantile(
            0.99, f'{ROUTES}_bucket{{job="rewards", http_route!~".*events"}}', "http_route")}),
        Panel("What is wrong with the ledger", "none", {"{{check}}": "max by (check) (rewards_ledger_faults)"}),
    ),
    "isin": (
        "Appraise: ISIN feeds",
        now("Lists overdue for more than two hours", "none",
            "count(max by (feed) (isin_feed_overdue_seconds) > 7200) or vector(0)"),
        now("Runs that gave up", "none", 'sum(max by (feed) (isin_runs{status="dead"}))'),
        now("Lists that wait for a decision", "none", 'sum(max by (feed) (isin_runs{status="held"}))'),
        Panel("Overdue", "s", {"{{feed}}": "max by (feed) (isin_feed_overdue_seconds)"}),
        Panel("Since the list was confirmed", "s", {"{{feed}}": "min by (feed) (isin_feed_age_seconds)"}),
        Panel("Rows", "none", {"{{feed}}": "max by (feed) (isin_feed_rows)"}),
        Panel("What the last run did", "none", {"{{feed}} {{kind}}": "max by (feed, kind) (isin_last_run_rows)"}),
        Panel("How long it took", "s", {"{{feed}}": "max by (feed) (isin_last_run_seconds)"}),
        Panel("Look-ups, time of 99 in 100", "s", {"{{http_route}}": quantile(
            0.99, f'{ROUTES}_bucket{{job="isin"}}', "http_route")}),
    ),
}  # fmt: skip


def dashboard(name: str) -> dict[str, Any]:
    """What Grafana reads."""
    title, *panels = DASHBOARDS[name]
    variable = {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"}
    return {
        "uid": f"appraise-{name}",
        "title": title,
        "tags": ["appraise"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "utc",
        "templating": {"list": [variable]},
        "panels": [_placed(number, Panel(*panel)) for number, panel in enumerate(panels)],
    }


def _placed(number: int, panel: Panel) -> dict[str, Any]:
    row, column = divmod(number, COLUMNS)
    return {
        "id": number + 1,
        "type": panel.kind,
        "title": panel.title,
        "datasource": SOURCE,
        "gridPos": {"x": column * WIDTH, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + place), "datasource": SOURCE, "expr": query, "legendFormat": legend}
            for place, (legend, query) in enumerate(panel.queries.items())
        ],
    }


def files() -> Iterator[tuple[Path, str]]:
    """Every file and what belongs into it."""
    for name in DASHBOARDS:
        yield FOLDER / f"{name}.json", json.dumps(dashboard(name), indent=1) + "\n"


if __name__ == "__main__":
    for path, text in files():
        path.write_text(text)
