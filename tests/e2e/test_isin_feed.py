"""The arq worker fetches the demo feed over real HTTP, and the command line does the same."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from running_platform import Account, Platform, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("platform")]
FEED = "nse-equity"
LEDGER_OF_RUNS = frozenset({"run", "publication"})  # who ran, and which run the list of today comes from


def _feed_rows(platform: Platform) -> list[dict[str, str]]:
    listed = httpx.get(json.loads(platform.environment_of("isin")["ISIN_FEED_URLS"])[FEED])
    reader = csv.DictReader(io.StringIO(listed.text), skipinitialspace=True)
    return list(reader)


def _runs(account: Account) -> list[dict[str, object]]:
    runs: list[dict[str, object]] = account.get(f"/api/v1/feeds/{FEED}/runs").json()["items"]
    return runs


def _finished(account: Account, path: str) -> dict[str, object]:
    def finished() -> dict[str, object]:
        run: dict[str, object] = account.get(path).json()
        return run if run["status"] not in {"pending", "running"} else {}

    return eventually(finished)


def _reconcile(platform: Platform, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "isin-worker"), "reconcile", *arguments]
    environment = platform.environment_of("isin")
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_the_worker_publishes_the_list_by_itself(platform: Platform, admin: Account) -> None:
    feed = eventually(lambda: (f := admin.get(f"/api/v1/feeds/{FEED}").json())["last_success_at"] and f)
    rows = _feed_rows(platform)
    assert (feed["freshness"], feed["rows"]) == ("fresh", len(rows))

    run = _runs(admin)[0]
    assert (run["status"], run["rows"], run["added"], run["quarantined"]) == ("succeeded", len(rows), len(rows), 0)

    isin = rows[0]["ISIN NUMBER"]
    entry = admin.get(f"/api/v1/isins/{isin}").json()
    assert (entry["isin"], entry["valid"], entry["country"]) == (isin, True, "IN")
    assert entry["name"] == rows[0]["NAME OF COMPANY"]
    assert [listing["feed"] for listing in entry["feeds"]] == [FEED]


def test_an_isin_with_a_wrong_check_digit_is_told_the_right_one(admin: Account) -> None:
    answer = admin.get("/api/v1/isins/US0378331006")
    assert answer.status_code == 422
    assert "5" in answer.text


def test_the_command_line_finds_the_day_done_and_writes_no_row(platform: Platform, admin: Account) -> None:
    eventually(lambda: admin.get(f"/api/v1/feeds/{FEED}").json()["last_success_at"])
    before = platform.row_versions("isin", but=frozenset())
    done = _reconcile(platform, "--feed", FEED, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)
    assert platform.row_versions("isin", but=frozenset()) == before


def test_a_second_run_on_an_unchanged_list_writes_no_row_of_data(platform: Platform, admin: Account) -> None:
    eventually(lambda: admin.get(f"/api/v1/feeds/{FEED}").json()["last_success_at"])
    before = platform.row_versions("isin", but=LEDGER_OF_RUNS)
    answer = admin.post(f"/api/v1/feeds/{FEED}/runs", {"force": True})
    assert answer.status_code == 202, answer.text
    run = _finished(admin, answer.headers["Location"])
    assert (run["status"], run["added"], run["changed"], run["removed"]) == ("succeeded", 0, 0, 0)
    assert run["unchanged"] == len(_feed_rows(platform))
    assert platform.row_versions("isin", but=LEDGER_OF_RUNS) == before


def test_wrong_words_on_the_command_line_are_told_plainly(platform: Platform) -> None:
    wrong = _reconcile(platform, "--feed", "nse-equities")
    assert wrong.returncode == 2
    assert FEED in wrong.stderr
    assert "Traceback" not in wrong.stderr
