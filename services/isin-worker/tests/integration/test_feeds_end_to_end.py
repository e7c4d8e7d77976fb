"""The built-in feeds from their publishers' lists of files to the listings, through the reconciler."""

import json
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from uuid import uuid4

import asyncpg
import pytest

from isin_worker.feeds import declared_feeds
from isin_worker.main import create_app
from isin_worker.models import Run
from isin_worker.reconcile import Reconciler
from isin_worker.schedule import current_date
from isin_worker.settings import Settings
from isin_worker.states import Status
from isin_worker.testing import Publisher, Served, make_isin, make_zip
from isin_worker.testing.firds import LEI, make_changes, make_full, make_record
from isin_worker.testing.register import FirdsRegister
from servicekit import testing
from servicekit.jobs import SilentRinger

pytestmark = pytest.mark.integration

Opener = Callable[..., Awaitable[Reconciler]]


@pytest.fixture
async def today(db: asyncpg.Connection) -> date:
    """The newest date that is due of FIRDS, by the database's clock."""
    return current_date(declared_feeds()["esma-firds"], await db.fetchval("SELECT now()"))


async def listings(db: asyncpg.Connection) -> list[tuple[str, str, str]]:
    rows = await db.fetch("SELECT isin, venue, name FROM listing WHERE last_seen IS NULL ORDER BY isin, venue")
    return [tuple(row) for row in rows]


async def test_a_full_list_and_the_changes_of_days_give_the_list_of_the_last_day(
    open_reconcilers: Opener, publisher: Publisher, db: asyncpg.Connection, today: date
) -> None:
    register = FirdsRegister(publisher)
    days = [today - timedelta(days=back) for back in (3, 2, 1, 0)]
    stays = [make_record(number, venue=venue) for number in range(100) for venue in ("XETR", "XFRA")]
    register.add("FULINS_E", days[0], make_full([*stays[:150], make_record(500)]), "01of02")
    register.add("FULINS_E", days[0], make_full([*stays[150:], make_record(501)]), "02of02")
    register.add("DLTINS", days[1], make_changes([("new", make_record(502)), ("terminated", make_record(500))]))
    register.add("DLTINS", days[2], make_changes([("modified", make_record(501, name="Renamed & Co"))]))
    register.add("DLTINS", days[3], make_changes([("cancelled", make_record(502)), ("new", make_record(503))]))
    reconciler = await open_reconcilers(
        feeds=["esma-firds"], feed_urls={"esma-firds": publisher.url_of("/select")}, firds_categories="E"
    )
    visits = await reconciler.reconcile(feed="esma-firds")
    assert [visit.run.status for visit in visits] == [Status.SUCCEEDED] * 3, [visit.run.error for visit in visits]
    by_day = {visit.run.business_date: visit.run for visit in visits}
    assert [(by_day[day].added, by_day[day].changed, by_day[day].removed) for day in days[1:]] == [
        (202, 0, 0),
        (0, 1, 0),
        (1, 0, 1),
    ]
    after_changes = await listings(db)
    assert len(after_changes) == 202
    assert (make_isin(501, "DE"), "XETR", "Renamed & Co") in after_changes

    # The next full list says the same, so it changes nothing.
    await db.execute("UPDATE run SET business_date = business_date - 7")
    await db.execute("UPDATE publication SET business_date = business_date - 7")
    await db.execute("UPDATE listing SET first_seen = first_seen - 7, last_seen = last_seen - 7")
    full = [*stays, make_record(501, name="Renamed & Co"), make_record(503)]
    for day in days[1:]:
        register.add("FULINS_E", day, make_full(full))
    (run, *_) = [visit.run for visit in await reconciler.reconcile(feed="esma-firds")]
    assert (run.status, run.added, run.changed, run.removed) == (Status.SUCCEEDED, 0, 0, 0), run.error
    assert await listings(db) == after_changes


async def test_gleifs_list_is_read_once_for_each_of_its_versions(
    open_reconcilers: Opener, publisher: Publisher, db: asyncpg.Connection
) -> None:
    lines = [f"{LEI},{make_isin(number)}" for number in range(1000)]
    lines[10] = lines[10].lower()
    lines[20] = lines[20][:-1] + str((int(lines[20][-1]) + 1) % 10)
    publisher.files["/file"] = Served(make_zip({"lei-isin.csv": "\n".join(["LEI,ISIN", *lines, ""]).encode()}))
    attributes = {"downloadLink": publisher.url_of("/file"), "fileName": "isin_lei_20261121.csv"}
    publisher.files["/latest"] = Served(json.dumps({"data": {"attributes": attributes}}).encode())
    reconciler = await open_reconcilers(
        feeds=["gleif-isin-lei"], feed_urls={"gleif-isin-lei": publisher.url_of("/latest")}
    )
    (visit,) = await reconciler.reconcile(feed="gleif-isin-lei")
    assert (visit.run.status, visit.run.rows, visit.run.added) == (Status.SUCCEEDED, 1000, 999), visit.run.error
    assert await db.fetchval("SELECT count(*) FROM listing WHERE lei = $1", LEI) == 998
    assert await db.fetchval("SELECT row_number FROM quarantine") == 22
    await db.execute("UPDATE run SET business_date = business_date - 1")
    await db.execute("UPDATE publication SET business_date = business_date - 1")
    publisher.requests.clear()
    (visit,) = await reconciler.reconcile(feed="gleif-isin-lei")
    assert (visit.run.status, visit.run.added, visit.run.unchanged) == (Status.SUCCEEDED, 0, 999)
    assert [request[":path"] for request in publisher.requests] == ["/latest"]


async def test_a_repeated_isin_of_a_list_of_codes_is_refused_with_its_line(
    open_reconcilers: Opener, publisher: Publisher, db: asyncpg.Connection
) -> None:
    isins = [make_isin(number) for number in range(2000)]
    lines = [f"{LEI},{isin}" for isin in isins]
    lines[700:700] = ["", f"{LEI},XX", f"{LEI},{isins[3]}"]  # lines 702 to 704, the header being the first
    lines[1000:1000] = [f'"{LEI}"," {isins[5].lower()}"', f"{LEI},{isins[3]}"]  # and 1002, 1003
    publisher.files["/file"] = Served(make_zip({"lei-isin.csv": "\n".join(["LEI,ISIN", *lines]).encode()}))
    attributes = {"downloadLink": publisher.url_of("/file"), "fileName": "isin_lei_20261121.csv"}
    publisher.files["/latest"] = Served(json.dumps({"data": {"attributes": attributes}}).encode())
    reconciler = await open_reconcilers(
        feeds=["gleif-isin-lei"], feed_urls={"gleif-isin-lei": publisher.url_of("/latest")}
    )
    (visit,) = await reconciler.reconcile(feed="gleif-isin-lei")
    assert (visit.run.rows, visit.run.valid, visit.run.quarantined) == (2004, 2000, 4), visit.run.error
    refused = await db.fetch("SELECT row_number, reason FROM quarantine ORDER BY row_number")
    assert [tuple(row) for row in refused][1:] == [
        (704, "the ISIN stands on line 5 already"),
        (1002, "the ISIN stands on line 7 already"),
        (1003, "the ISIN stands on line 5 already"),
    ]
    assert refused[0]["row_number"] == 703


async def test_a_repeated_record_of_firds_is_refused_with_its_number(
    open_reconcilers: Opener, publisher: Publisher, db: asyncpg.Connection, today: date
) -> None:
    register = FirdsRegister(publisher)
    records = [make_record(number) for number in range(3000)]  # more than are read at once
    records[1700] = make_record(1700, isin="DE0000000000")
    records[2000] = make_record(4, name="Again")
    elsewhere = make_record(5, venue="XFRA")
    register.add("FULINS_E", today, make_full(records), "01of02")
    register.add("FULINS_E", today, make_full([elsewhere, make_record(3000), make_record(6), make_record(4)]), "02of02")
    reconciler = await open_reconcilers(
        feeds=["esma-firds"], feed_urls={"esma-firds": publisher.url_of("/select")}, firds_categories="E"
    )
    (visit,) = await reconciler.reconcile(feed="esma-firds", day=today)
    assert (visit.run.rows, visit.run.valid, visit.run.quarantined) == (3004, 3000, 4), visit.run.error
    refused = await db.fetch("SELECT row_number, reason FROM quarantine ORDER BY row_number")
    assert refused[0]["row_number"] == 1701
    assert [tuple(row) for row in refused][1:] == [
        (2001, "the ISIN stands on line 5 already"),
        (3003, "the ISIN stands on line 7 already"),
        (3004, "the ISIN stands on line 5 already"),
    ]


async def test_a_list_whose_checksum_is_another_is_held(
    open_reconcilers: Opener, publisher: Publisher, db: asyncpg.Connection, today: date
) -> None:
    register = FirdsRegister(publisher)
    register.add("FULINS_E", today - timedelta(days=2), make_full([make_record(1)]))
    register.add("DLTINS", today - timedelta(days=1), make_changes([("new", make_record(2))]))
    path = next(path for path in publisher.files if "FULINS" in path)
    publisher.files[path] = Served(make_zip({"list.xml": make_full([make_record(7)])}))
    reconciler = await open_reconcilers(
        feeds=["esma-firds"], feed_urls={"esma-firds": publisher.url_of("/select")}, firds_categories="E"
    )
    visits = await reconciler.reconcile(feed="esma-firds")
    assert visits[0].run.status == Status.HELD
    assert await listings(db) == []


async def tried(reconciler: Reconciler, db: asyncpg.Connection, today: date) -> Run:
    """Today's run after one more attempt."""
    await db.execute("UPDATE run SET next_try_at = now()")
    visits = await reconciler.reconcile(feed="esma-firds")
    return next(visit.run for visit in visits if visit.run.business_date == today)


@pytest.fixture
async def firds(open_reconcilers: Opener, publisher: Publisher, db: asyncpg.Connection) -> Reconciler:
    """What is tried twice, an hour apart."""
    url = publisher.url_of("/select")
    return await open_reconcilers(
        feeds=["esma-firds"],
        feed_urls={"esma-firds": url},
        firds_categories="E",
        max_attempts=2,
        backoff_seconds=3600,
    )


@pytest.fixture
async def register(publisher: Publisher, today: date) -> FirdsRegister:
    """A full list of two days ago, and the changes of yesterday."""
    register = FirdsRegister(publisher)
    register.add("FULINS_E", today - timedelta(days=2), make_full([make_record(number) for number in range(100)]))
    register.add("DLTINS", today - timedelta(days=1), make_changes([("new", make_record(200))]))
    return register


async def test_a_missing_part_is_waited_for_and_then_holds_the_run(
    firds: Reconciler, register: FirdsRegister, db: asyncpg.Connection, today: date
) -> None:
    register.add("DLTINS", today, make_changes([("new", make_record(300))]), "01of02")
    waiting = await tried(firds, db, today)
    name = f"DLTINS_{today:%Y%m%d}_02of02"
    assert (waiting.status, waiting.error) == (Status.FAILED, f"not listed yet: {name}")
    held = await tried(firds, db, today)
    assert (held.status, held.added) == (Status.HELD, 1)
    assert held.gate == [
        {"gate": "parts-missing", "detail": f"missing: {name} (not listed)", "value": None, "limit": None}
    ]
    assert len(await listings(db)) == 101


async def test_a_listed_part_that_is_not_there_is_waited_for_and_then_holds_the_run(
    firds: Reconciler, register: FirdsRegister, publisher: Publisher, db: asyncpg.Connection, today: date
) -> None:
    for part in ("01of02", "02of02"):
        register.add("DLTINS", today, make_changes([("new", make_record(300 + int(part[1])))]), part)
    name = f"DLTINS_{today:%Y%m%d}_02of02.zip"
    publisher.files[f"/{name}"].status = 404
    waiting = await tried(firds, db, today)
    assert (waiting.status, waiting.error) == (Status.FAILED, "the publisher answered 404")
    held = await tried(firds, db, today)
    assert (held.status, held.added) == (Status.HELD, 1)
    assert held.error == f"missing: {name} (the publisher answered 404)"
    assert len(await listings(db)) == 101


async def test_what_was_missing_comes_with_the_next_days_list_and_settles_what_was_held(
    firds: Reconciler, register: FirdsRegister, publisher: Publisher, db: asyncpg.Connection, today: date
) -> None:
    register.add("DLTINS", today, make_changes([("new", make_record(300))]))
    publisher.files[f"/DLTINS_{today:%Y%m%d}_01of01.zip"].status = 404
    await tried(firds, db, today)
    held = await tried(firds, db, today)
    assert (held.status, held.gate and held.gate[0]["gate"]) == (Status.HELD, "parts-missing")
    await db.execute("UPDATE run SET business_date = business_date - 1")
    await db.execute("UPDATE publication SET business_date = business_date - 1")
    publisher.files[f"/DLTINS_{today:%Y%m%d}_01of01.zip"].status = 200
    run = await tried(firds, db, today)
    assert (run.status, run.added) == (Status.SUCCEEDED, 1), run.error
    assert await db.fetchval("SELECT status FROM run WHERE id = $1", held.id) == Status.DROPPED


async def test_without_any_full_list_the_run_is_held_and_says_so(
    firds: Reconciler, publisher: Publisher, db: asyncpg.Connection, today: date
) -> None:
    FirdsRegister(publisher).add("DLTINS", today, make_changes([("new", make_record(1))]))
    waiting = await tried(firds, db, today)
    assert (waiting.status, waiting.error) == (Status.FAILED, f"no full file is listed up to {today}")
    held = await tried(firds, db, today)
    assert (held.status, held.error) == (Status.HELD, f"missing: a full file up to {today} (not listed)")
    assert await listings(db) == []


async def test_a_part_that_comes_in_time_is_nothing_to_hold(
    firds: Reconciler, register: FirdsRegister, db: asyncpg.Connection, today: date
) -> None:
    register.add("DLTINS", today, make_changes([("new", make_record(300))]), "01of02")
    await tried(firds, db, today)
    register.add("DLTINS", today, make_changes([("new", make_record(301))]), "02of02")
    run = await tried(firds, db, today)
    assert (run.status, run.added) == (Status.SUCCEEDED, 2), run.error


async def test_what_is_held_for_a_missing_part_is_published_when_it_is_released(
    firds: Reconciler,
    register: FirdsRegister,
    db: asyncpg.Connection,
    today: date,
    settings: Settings,
    bell: SilentRinger,
) -> None:
    register.add("DLTINS", today, make_changes([("new", make_record(300))]), "01of02")
    await tried(firds, db, today)
    held = await tried(firds, db, today)
    api = create_app(settings.model_copy(update={"feeds": ["esma-firds"]}), keys=testing.test_keys(), bell=bell)
    token = testing.make_token(uuid4(), ["user", "admin"], settings)
    async with testing.running(api) as app, testing.client_of(app, token) as admin:
        assert (await admin.post(f"/api/v1/feeds/esma-firds/runs/{held.id}/release")).status_code == 202
    run = await tried(firds, db, today)
    assert (run.status, run.added) == (Status.SUCCEEDED, 1), run.error
    assert len(await listings(db)) == 102


async def test_a_day_without_changes_is_waited_for_and_then_unchanged(
    firds: Reconciler, register: FirdsRegister, db: asyncpg.Connection, today: date
) -> None:
    waiting = await tried(firds, db, today)
    assert (waiting.status, waiting.error) == (Status.FAILED, f"the changes of {today} are not listed yet")
    run = await tried(firds, db, today)
    assert (run.status, run.rows, run.added, run.changed, run.removed) == (Status.SUCCEEDED, 101, 0, 0, 0), run.error


async def test_changes_that_are_listed_after_their_day_are_not_lost(
    firds: Reconciler, publisher: Publisher, db: asyncpg.Connection, today: date
) -> None:
    yesterday = today - timedelta(days=1)
    register = FirdsRegister(publisher)
    register.add("FULINS_E", today - timedelta(days=2), make_full([make_record(1)]))
    runs = {visit.run.business_date: visit.run for visit in await firds.reconcile(feed="esma-firds")}
    assert (runs[yesterday].status, runs[yesterday].added) == (Status.SUCCEEDED, 0)  # that day is over
    assert runs[today].status == Status.FAILED  # this one is not
    register.add("DLTINS", yesterday, make_changes([("new", make_record(2))]))
    register.add("DLTINS", today, make_changes([("new", make_record(3))]))
    run = await tried(firds, db, today)
    assert (run.status, run.added, run.unchanged) == (Status.SUCCEEDED, 2, 1), run.error
