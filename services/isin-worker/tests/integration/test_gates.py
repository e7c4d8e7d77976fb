"""Gates: a list that looks wrong is held, what stood before stands, and an administrator decides."""

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from isin_worker.models import Run
from isin_worker.reconcile import Reconciler
from isin_worker.states import Status
from isin_worker.testing import HEADER, Publisher, make_isin, make_list, make_row
from servicekit.jobs import SilentRinger

pytestmark = pytest.mark.integration

RUNS = "/api/v1/feeds/nse-equity/runs"
AsUser = Callable[..., httpx.AsyncClient]


def numbered(numbers: Iterable[int]) -> bytes:
    return make_list(make_row(number) for number in numbers)


def with_bad_rows(count: int) -> bytes:
    return make_list(make_row(number, isin="INE000000000" if number < count else None) for number in range(1000))


async def reconcile(reconciler: Reconciler) -> Run:
    (visit,) = await reconciler.reconcile()
    return visit.run


async def a_day_passes(db: asyncpg.Connection) -> None:
    await db.execute("UPDATE run SET business_date = business_date - 1")
    await db.execute("UPDATE publication SET business_date = business_date - 1")
    await db.execute("UPDATE listing SET first_seen = first_seen - 1, last_seen = last_seen - 1")


async def standing(db: asyncpg.Connection) -> list[str]:
    rows = await db.fetch("SELECT isin FROM listing WHERE last_seen IS NULL ORDER BY isin")
    return [row["isin"] for row in rows]


@pytest.fixture
async def yesterday(reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection) -> list[str]:
    """A list of 1,000 of the day before stands."""
    publisher.content = numbered(range(1000))
    await reconcile(reconciler)
    await a_day_passes(db)
    return await standing(db)


@pytest.fixture
async def held(yesterday: list[str], reconciler: Reconciler, publisher: Publisher) -> Run:
    """Today's list has lost most of its rows."""
    assert yesterday
    publisher.content = numbered(range(100))
    return await reconcile(reconciler)


@pytest.mark.parametrize(
    ("content", "gates"),
    [
        (numbered(range(899)), ["shrunk", "removed"]),
        (numbered(range(51, 1051)), ["removed"]),
        (with_bad_rows(6), ["bad-rows"]),
        (make_list([make_row(1)], [*HEADER[:4], "ISIN"]), ["header-drift"]),
    ],
)
async def test_a_list_beyond_a_limit_is_held_and_the_one_before_stands(
    content: bytes,
    gates: list[str],
    yesterday: list[str],
    reconciler: Reconciler,
    publisher: Publisher,
    db: asyncpg.Connection,
) -> None:
    publisher.content = content
    run = await reconcile(reconciler)
    assert run.status == Status.HELD
    assert [hold["gate"] for hold in run.gate or ()] == gates
    assert await standing(db) == yesterday
    assert await db.fetchval("SELECT count(*) FROM isin_change") == 1000
    again = await reconcile(reconciler)
    assert (again.status, again.attempts) == (Status.HELD, 1)  # it waits for somebody


@pytest.mark.parametrize(
    "content", [numbered(range(950)), numbered(range(50, 1050)), with_bad_rows(5)], ids=["shrunk", "removed", "bad"]
)
async def test_a_list_at_the_limit_passes(
    content: bytes, yesterday: list[str], reconciler: Reconciler, publisher: Publisher
) -> None:
    assert len(yesterday) == 1000
    publisher.content = content
    assert (await reconcile(reconciler)).status == Status.SUCCEEDED


async def test_a_page_that_keeps_robots_out_is_never_a_list_and_is_tried_again(
    yesterday: list[str], reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection
) -> None:
    publisher.content = b"<html><head><title>Pardon our interruption</title></head></html>"
    run = await reconcile(reconciler)
    assert (run.status, run.gate) == (Status.FAILED, None)
    assert run.error == "the publisher sent a page, “Pardon our interruption”, instead of the list"
    assert await standing(db) == yesterday


STATED = """
[feeds.counted]
title = "A list that says how many rows it has"
url = "http://lists.example/"
due_at = 00:00:00
format = { kind = "csv", stated = "^Total records: ([0-9,]+)$" }
columns = { isin = "ISIN", name = "Name" }
"""


@pytest.mark.parametrize(
    ("trailer", "status", "gate"),
    [
        ("Total records: 1,200", Status.SUCCEEDED, None),
        ("Total records: 1,201", Status.HELD, "the list says that it has 1201 rows, and it has 1200"),
        ("", Status.HELD, "the list does not say how many rows it has: its end may be missing"),
    ],
)
async def test_a_list_must_have_as_many_rows_as_it_says(
    trailer: str,
    status: Status,
    gate: str | None,
    open_reconcilers: Callable[..., Awaitable[Reconciler]],
    publisher: Publisher,
    db: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    own = tmp_path / "feeds.toml"
    own.write_text(STATED)
    publisher.content = "\n".join(["ISIN,Name", *(f"{make_isin(n)},N" for n in range(1200)), trailer, ""]).encode()
    reconciler = await open_reconcilers(feeds=["counted"], feed_urls={"counted": publisher.url}, feeds_file=own)
    (visit,) = await reconciler.reconcile()
    assert (visit.run.status, visit.run.error) == (status, gate)
    assert [hold["gate"] for hold in visit.run.gate or ()] == (["stated-count"] if gate else [])
    assert len(await standing(db)) == (0 if gate else 1200)


async def test_the_first_list_of_a_feed_is_compared_with_nothing_but_its_bad_rows_count(
    reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection
) -> None:
    publisher.content = with_bad_rows(6)
    run = await reconcile(reconciler)
    assert [hold["gate"] for hold in run.gate or ()] == ["bad-rows"]
    assert await standing(db) == []


async def test_rows_that_say_themselves_that_they_have_no_isin_are_not_bad(
    reconciler: Reconciler, publisher: Publisher
) -> None:
    publisher.content = make_list(make_row(number, isin="-" if number < 500 else None) for number in range(1000))
    run = await reconcile(reconciler)
    assert (run.status, run.valid, run.quarantined) == (Status.SUCCEEDED, 500, 500)


async def test_a_held_run_says_what_is_wrong_with_numbers_and_alerts_on_its_feed(held: Run, as_user: AsUser) -> None:
    user = as_user()
    run = (await user.get(f"{RUNS}/{held.id}")).json()
    assert run["gate"][0] == {
        "gate": "shrunk",
        "detail": "100 rows instead of 1000",
        "value": 0.9,
        "limit": 0.1,
    }
    assert (run["rows"], run["valid"], run["removed"]) == (100, 100, 900)
    assert run["error"] == "100 rows instead of 1000; 900 of 1000 rows are gone"
    feed = (await user.get("/api/v1/feeds/nse-equity")).json()
    assert feed["rows"] == 1000
    assert [(alert["run_id"], alert["status"]) for alert in feed["alerts"]] == [(str(held.id), "held")]


async def test_a_released_list_is_published_if_it_is_still_the_same(
    held: Run,
    as_user: AsUser,
    bell: SilentRinger,
    reconciler: Reconciler,
    publisher: Publisher,
    db: asyncpg.Connection,
) -> None:
    rings = bell.rings
    answer = await as_user("admin").post(f"{RUNS}/{held.id}/release")
    assert (answer.status_code, answer.json()["status"], bell.rings) == (202, "pending", rings + 1)
    assert answer.headers["location"] == f"{RUNS}/{held.id}"
    run = await reconcile(reconciler)
    assert (run.status, run.removed, run.gate, run.error) == (Status.SUCCEEDED, 900, None, None)
    assert await standing(db) == sorted(make_isin(number) for number in range(100))
    assert publisher.requests


async def test_another_list_than_the_released_one_is_judged_anew(
    held: Run, as_user: AsUser, reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection
) -> None:
    await as_user("admin").post(f"{RUNS}/{held.id}/release")
    publisher.content = numbered(range(50))
    run = await reconcile(reconciler)
    assert (run.status, run.valid) == (Status.HELD, 50)
    assert len(await standing(db)) == 1000


async def test_a_dropped_run_is_over_and_its_day_can_be_asked_for_again(
    held: Run, as_user: AsUser, reconciler: Reconciler, publisher: Publisher
) -> None:
    admin = as_user("admin")
    answer = await admin.post(f"{RUNS}/{held.id}/drop")
    assert (answer.status_code, answer.json()["status"]) == (200, "dropped")
    assert (await reconcile(reconciler)).status == Status.DROPPED
    assert (await admin.get("/api/v1/feeds/nse-equity")).json()["alerts"] == []
    publisher.content = numbered(range(1001))
    assert (await admin.post(RUNS, json={})).status_code == 202
    assert (await reconcile(reconciler)).status == Status.SUCCEEDED


@pytest.mark.parametrize("decision", ["release", "drop"])
async def test_only_what_is_held_can_be_decided_and_only_by_administrators(
    decision: str, held: Run, as_user: AsUser
) -> None:
    admin = as_user("admin")
    assert (await as_user().post(f"{RUNS}/{held.id}/{decision}")).status_code == 403
    assert (await admin.post(f"{RUNS}/{held.id}/drop")).status_code == 200
    answer = await admin.post(f"{RUNS}/{held.id}/{decision}")
    assert (answer.status_code, answer.json()["code"]) == (409, "run-not-held")


async def test_a_newer_good_list_settles_a_held_one(
    held: Run, reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection
) -> None:
    await a_day_passes(db)
    publisher.content = numbered(range(1001))
    assert (await reconcile(reconciler)).status == Status.SUCCEEDED
    assert await db.fetchval("SELECT status FROM run WHERE id = $1", held.id) == Status.DROPPED


async def test_what_a_held_list_refused_can_be_seen(
    yesterday: list[str], reconciler: Reconciler, publisher: Publisher, as_user: AsUser
) -> None:
    assert yesterday
    publisher.content = with_bad_rows(7)
    run = await reconcile(reconciler)
    page: dict[str, Any] = (await as_user("admin").get(f"{RUNS}/{run.id}/quarantine")).json()
    assert [row["row_number"] for row in page["items"]] == [2, 3, 4, 5, 6, 7, 8]
