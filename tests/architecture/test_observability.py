"""Rules, dashboards, scrapes and the collector: that they fit together, and to the documents that they name."""

import re
from pathlib import Path

import dashboards
import yaml
from queries import OBSERVABILITY, rules

ROOT = Path(__file__).parents[2]
PROMETHEUS = yaml.safe_load((OBSERVABILITY / "prometheus.yaml").read_text())
COLLECTOR = yaml.safe_load((OBSERVABILITY / "collector.yaml").read_text())
COMPOSE = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())


def anchors(document: Path) -> set[str]:
    """Where a link into a document may lead, as GitHub makes it of the headings."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_each_alert_leads_to_what_is_to_be_done() -> None:
    alerts = [rule for rule in rules() if "alert" in rule]
    assert len(alerts) > 10
    for alert in alerts:
        document, _, anchor = alert["annotations"]["runbook"].partition("#")
        assert anchor in anchors(ROOT / document), alert["alert"]
        assert alert["labels"]["severity"] in {"page", "ticket"}
        assert alert["annotations"]["summary"]


def test_each_alert_is_tested() -> None:
    tested = {
        case["alertname"]
        for test in yaml.safe_load((OBSERVABILITY / "rules.test.yaml").read_text())["tests"]
        for case in test["alert_rule_test"]
        if case["exp_alerts"]
    }
    assert {rule["alert"] for rule in rules() if "alert" in rule} == tested


def test_the_committed_dashboards_are_what_the_script_writes() -> None:
    for path, text in dashboards.files():
        assert path.read_text() == text, f"python {OBSERVABILITY / 'dashboards.py'}"
    assert {path.name for path in dashboards.FOLDER.iterdir()} == {path.name for path, _ in dashboards.files()}


def test_the_panels_of_a_dashboard_do_not_overlap_and_each_asks_something() -> None:
    for name in dashboards.DASHBOARDS:
        panels = dashboards.dashboard(name)["panels"]
        taken = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
        assert len(set(taken)) == len({panel["id"] for panel in panels}) == len(panels)
        assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)
        assert all(panel["targets"] and panel["title"] for panel in panels)


def test_every_service_of_the_stack_is_scraped_where_prometheus_can_reach_it() -> None:
    networks = set(COMPOSE["services"]["prometheus"]["networks"])
    for scrape in PROMETHEUS["scrape_configs"]:
        (source,) = scrape["dns_sd_configs"]
        assert source["names"] == [scrape["job_name"]]
        assert networks & set(COMPOSE["services"][scrape["job_name"]]["networks"])
    assert {scrape["job_name"] for scrape in PROMETHEUS["scrape_configs"]} == {
        "gateway", "auth", "catalog", "rewards", "isin",
    }  # fmt: skip
    assert PROMETHEUS["rule_files"] == ["rules.yaml"]


def test_the_collectors_pipelines_are_made_of_what_is_declared_and_all_of_it_is_used() -> None:
    service = COLLECTOR["service"]
    for kind in ("receivers", "processors", "exporters"):
        used = {one for pipeline in service["pipelines"].values() for one in pipeline[kind]}
        assert used == set(COLLECTOR[kind])
    assert set(service["extensions"]) == set(COLLECTOR["extensions"])
    assert service["pipelines"]["traces"]["processors"][0] == "memory_limiter"  # before anything piles up


def test_the_collector_listens_where_the_services_send() -> None:
    port = COLLECTOR["receivers"]["otlp"]["protocols"]["http"]["endpoint"].rpartition(":")[2]
    assert f"http://collector:{port}/v1/traces" in (ROOT / "docs/deployment.md").read_text()
    networks = set(COMPOSE["services"]["collector"]["networks"])
    for name, service in COMPOSE["services"].items():
        if any(variable.endswith("_TRACES_URL") for variable in service.get("environment", {})):
            assert networks & set(service["networks"]), name
