"""What the documents point at is there, and the tables that scripts write are the scripts'."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


def test_every_relative_link_leads_somewhere() -> None:
    listed = subprocess.run(["git", "ls-files", "-z", "*.md"], cwd=ROOT, capture_output=True, check=True)
    documents = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    dead = [
        f"{document.relative_to(ROOT)}: {link}"
        for document in documents
        for link in _LINK.findall(document.read_text())
        if not re.match(r"[a-z]+:|/", link) and not (document.parent / link).exists()
    ]
    assert dead == []


def test_the_readme_says_which_service_has_which_paths() -> None:
    table = re.findall(r"^\| (\w+) \| a free port \| (.+) \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    told = {service: set(re.findall(r"`(/[^`]+)`", paths)) for service, paths in table}
    routes = tomllib.loads((ROOT / "gateway/src/gateway/routes.toml").read_text())["routes"]
    for route in routes:
        if route["service"] != "web":
            shortest = "/".join(route["prefix"].split("/")[: 2 if route["prefix"].startswith("/.") else 4])
            assert shortest in told[route["service"]], f"README: {route['service']} has {shortest}"


def test_the_table_of_faults_in_the_note_is_that_of_the_recorded_trials() -> None:
    table = _printed_by_chaos("import scheduler_faults as faults; print(faults.table(faults.RESULTS))")
    assert table.count("\n") > 9
    assert table.strip() in (ROOT / "docs/notes/scheduling.md").read_text()


def test_the_report_on_reliability_is_that_of_the_recorded_outcomes() -> None:
    report = _printed_by_chaos("import report; print(report.written(report.kept()), end='')")
    assert report.count("\n## ") >= 1
    assert report == (ROOT / "docs/reliability.md").read_text()


def _printed_by_chaos(code: str) -> str:
    """What this prints in the folder of the attacks."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT / "chaos", capture_output=True, text=True, check=True).stdout
