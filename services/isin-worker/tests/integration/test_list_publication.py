"""A list from the publisher's server to the tables, through the reconciler."""

import re
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from isin_worker.models import Run
from isin_worker.reconcile import Reconciler
from isin_worker.states import Status
from isin_worker.testing import HEADER, Publisher, make_isin, make_list, make_row

pytestmark = pytest.mark.integration

FEED = "nse-equity"
COUNTS = ("rows", "valid", "added", "changed", "removed", "unchanged", "quarantined")
DATA_TABLES = ("listing", "isin_change", "quarantine")


async def run_once(reconciler: Reconciler) -> Run:
    (visit,) = await reconciler.reconcile(feed=FEED)
    return visit.run


def counts(run: Run) -> dict[str, int]:
    return {name: getattr(run, name) for name in COUNTS}


async def a_day_passes(db: asyncpg.Connection) -> None:
    """Everything that happened was a day earlier."""
    await db.execute("UPDATE run SET business_date = business_date - 1, created_at = created_at - interval '1 day'")
    await db.execute("UPDATE publication SET business_date = business_date - 1")
    await db.execute("UPDATE listing SET first_seen = first_seen - 1, last_seen = last_seen - 1")


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def written(db: asyncpg.Connection) -> dict[str, Any]:
    """The physical versions of all rows of the data tables: any write of a row changes them."""
    query = "SELECT ctid, xmin, xmax FROM {} ORDER BY ctid"
    return {table: await db.fetch(query.format(table)) for table in DATA_TABLES}


async def test_the_first_list_is_published_with_its_provenance(
    reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection, spool: Path
) -> None:
    publisher.content = make_list(make_row(number) for number in range(5000))
    publisher.etag = '"edition-1"'
    run = await run_once(reconciler)
    assert run.status == Status.SUCCEEDED
    assert counts(run) == dict(zip(COUNTS, (5000, 5000, 5000, 0, 0, 0, 0), strict=True))
    assert (run.attempts, run.trigger, run.error, run.owner) == (1, "schedule", None, None)
    assert (run.bytes, run.etag, run.url) == (len(publisher.content), '"edition-1"', publisher.url)
    assert await db.fetchval("SELECT count(*) FROM listing WHERE first_seen = $1", run.business_date) == 5000
    assert await db.fetchval("SELECT count(*) FROM isin_change WHERE kind = 'added' AND run_id = $1", run.id) == 5000
    assert files_below(spool) == []


async def test_the_publisher_is_asked_with_the_headers_it_wants(reconciler: Reconciler, publisher: Publisher) -> None:
    publisher.content = make_list([make_row(1)])
    await run_once(reconciler)
    (headers,) = publisher.requests
    assert headers["user-agent"].startswith("Mozilla/5.0")
    assert headers["referer"] == "https://www.nseindia.com/"


async def test_a_list_that_the_publisher_calls_unchanged_is_not_sent_again_and_writes_no_row(
    reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection
) -> None:
    publisher.content = make_list([*(make_row(number) for number in range(100)), make_row(0, isin="-")])
    publisher.etag = '"edition-1"'
    await run_once(reconciler)
    await a_day_passes(db)
    before = await written(db)
    run = await run_once(reconciler)
    assert publisher.requests[-1]["if-none-match"] == '"edition-1"'
    assert (run.status, run.bytes) == (Status.SUCCEEDED, 0)
    assert counts(run) == dict(zip(COUNTS, (101, 100, 0, 0, 0, 100, 1), strict=True))
    assert await written(db) == before


async def test_the_same_bytes_without_any_validator_write_no_row(
    reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection
) -> None:
    publisher.content = make_list(make_row(number) for number in range(100))
    await run_once(reconciler)
    await a_day_passes(db)
    before = await written(db)
    run = await run_once(reconciler)
    assert (run.bytes, run.unchanged, run.added) == (len(publisher.content), 100, 0)
    assert await written(db) == before


async def test_other_bytes_that_say_the_same_write_no_row(
    reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection
) -> None:
    rows = [make_row(number) for number in range(100)]
    publisher.content = make_list(rows)
    await run_once(reconciler)
    await a_day_passes(db)
    before = await written(db)
    publisher.content = make_list([[f" {cell} " for cell in reversed(row)] for row in reversed(rows)], HEADER[::-1])
    run = await run_once(reconciler)
    assert counts(run) == dict(zip(COUNTS, (100, 100, 0, 0, 0, 100, 0), strict=True))
    assert await written(db) == before


async def test_only_what_changed_is_written_and_each_change_is_logged_with_what_was_before(
    reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection
) -> None:
    publisher.content = make_list(make_row(number) for number in range(10))
    first = await run_once(reconciler)
    await a_day_passes(db)
    untouched = await db.fetch("SELECT ctid, xmin FROM listing WHERE isin > $1 ORDER BY ctid", make_isin(2))
    publisher.content = make_list([make_row(1, "Renamed"), *(make_row(number) for number in range(2, 12))])
    run = await run_once(reconciler)
    assert counts(run) == dict(zip(COUNTS, (11, 11, 2, 1, 1, 8, 0), strict=True))
    log = await db.fetch(
        "SELECT isin, kind, old->>'name' AS old, new->>'name' AS new FROM isin_change WHERE run_id = $1", run.id
    )
    assert {tuple(row) for row in log} == {
        (make_isin(0), "removed", "Company 0 Limited", None),
        (make_isin(1), "changed", "Company 1 Limited", "Renamed"),
        (make_isin(10), "added", None, "Company 10 Limited"),
        (make_isin(11), "added", None, "Company 11 Limited"),
    }
    still = await db.fetch(
        "SELECT ctid, xmin FROM listing WHERE isin > $1 AND isin < $2 ORDER BY ctid", make_isin(2), make_isin(10)
    )
    assert still == untouched
    gone = await db.fetchrow("SELECT first_seen, last_seen FROM listing WHERE isin = $1", make_isin(0))
    assert gone is not None
    assert (run.business_date - gone["last_seen"]).days == 1
    assert gone["first_seen"] == gone["last_seen"]
    assert first.id != run.id


async def test_an_isin_that_comes_back_is_added_again_and_keeps_its_first_day(
    reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection
) -> None:
    for numbers in ([1, 2], [1], [1, 2]):
        await a_day_passes(db)
        publisher.content = make_list(make_row(number) for number in numbers)
        run = await run_once(reconciler)
    back = await db.fetchrow("SELECT first_seen, last_seen FROM listing WHERE isin = $1", make_isin(2))
    assert back is not None
    assert (run.business_date - back["first_seen"]).days == 2
    assert back["last_seen"] is None
    kinds = await db.fetch("SELECT kind FROM isin_change WHERE isin = $1 ORDER BY id", make_isin(2))
    assert [row["kind"] for row in kinds] == ["added", "removed", "added"]
    assert run.added == 1


async def test_what_cannot_be_published_is_counted_and_kept_with_the_reason(
    reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection
) -> None:
    wrong = make_isin(4)[:-1] + str((int(make_isin(4)[-1]) + 1) % 10)
    rows = [
        make_row(1),
        make_row(2, isin="NA"),
        make_row(3)[:2],
        make_row(4, isin=wrong),
        make_row(1, "Again"),
        make_row(5),
    ]
    publisher.content = make_list(rows)
    run = await run_once(reconciler)
    assert counts(run) == dict(zip(COUNTS, (6, 2, 2, 0, 0, 0, 4), strict=True))
    kept = await db.fetch(
        "SELECT row_number, reason, raw FROM quarantine WHERE run_id = $1 ORDER BY row_number", run.id
    )
    assert [(row["row_number"], row["reason"]) for row in kept] == [
        (3, "no ISIN"),
        (4, "2 cells under a header of 5"),
        (5, f"the check digit should be {make_isin(4)[-1]}"),
        (6, "the ISIN stands on line 2 already"),
    ]
    assert kept[2]["raw"] == ",".join(rows[3])
    assert await db.fetchval("SELECT name FROM listing WHERE isin = $1", make_isin(1)) == "Company 1 Limited"


async def test_names_may_hold_whatever_copy_and_json_treat_specially(
    reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection
) -> None:
    name = 'Back\\slash \\N "quoted", {brace} \\t and \N{LATIN SMALL LETTER E WITH ACUTE}\N{ROCKET}'
    row = make_row(1, name)
    row[0] = name
    publisher.content = make_list([row])
    await run_once(reconciler)
    stored = await db.fetchrow("SELECT name, details->>'symbol' AS symbol FROM listing")
    assert stored is not None
    assert tuple(stored) == (name, name)


async def refused(
    reconciler: Reconciler, db: asyncpg.Connection, publisher: Publisher, error: str, status: Status = Status.FAILED
) -> Run:
    """The run fails with this error, and what was published before stands untouched."""
    before = await written(db)
    published = await db.fetch("SELECT * FROM publication")
    run = await run_once(reconciler)
    assert run.status == status
    assert run.error is not None
    assert re.search(error, run.error)
    assert "\n" not in run.error
    assert await written(db) == before
    assert await db.fetch("SELECT * FROM publication") == published
    return run


@pytest.fixture
async def yesterday(reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection) -> None:
    """A list of the day before stands."""
    publisher.content = make_list(make_row(number) for number in range(100))
    await run_once(reconciler)
    await a_day_passes(db)


@pytest.mark.usefixtures("yesterday")
class TestYesterdaysListStands:
    async def test_when_a_column_is_missing(
        self, reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection
    ) -> None:
        publisher.content = make_list([make_row(1)], [*HEADER[:4], "ISIN"])
        run = await refused(reconciler, db, publisher, "the header has no column ISIN NUMBER", Status.HELD)
        assert [hold["gate"] for hold in run.gate or ()] == ["header-drift"]

    async def test_when_no_row_is_valid(
        self, reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection
    ) -> None:
        publisher.content = make_list([make_row(1, isin="-"), make_row(2, isin="-")])
        await refused(reconciler, db, publisher, "none of 2 rows is valid")

    async def test_when_the_list_has_only_a_header(
        self, reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection
    ) -> None:
        publisher.content = make_list([])
        await refused(reconciler, db, publisher, "none of 0 rows is valid")

    async def test_when_the_body_is_cut_off(
        self, reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection, spool: Path
    ) -> None:
        publisher.missing_bytes = 1
        publisher.content += b"more"
        await refused(reconciler, db, publisher, "the download failed: peer closed connection")
        assert files_below(spool) == []

    async def test_when_the_file_breaks_in_the_middle(
        self, reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection
    ) -> None:
        publisher.content = make_list(make_row(number) for number in range(5000)) + b'"' + b"x,\n" * 100_000
        await refused(reconciler, db, publisher, "no CSV from line")

    @pytest.mark.parametrize("status", [403, 404, 500, 503, 204, 206])
    async def test_when_the_publisher_answers_anything_but_200(
        self, status: int, reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection
    ) -> None:
        publisher.status = status
        publisher.content = b""
        await refused(reconciler, db, publisher, f"the publisher answered {status}")

    @pytest.mark.parametrize("location", ["http://localhost:1/x", "https://example.org/list.csv", "file:///etc/passwd"])
    async def test_when_the_publisher_sends_us_elsewhere(
        self, location: str, reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection
    ) -> None:
        publisher.status, publisher.location = 302, location
        await refused(reconciler, db, publisher, "not where its lists are|the download failed")

    async def test_when_redirects_never_end(
        self, reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection
    ) -> None:
        publisher.status, publisher.location = 302, publisher.url
        await refused(reconciler, db, publisher, "more than 5 redirects")

    async def test_when_the_list_is_too_large(
        self, reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection
    ) -> None:
        publisher.content = b"x" * (16 * 1024 * 1024 + 1)
        await refused(reconciler, db, publisher, "more than 16777216 bytes")
        publisher.requests.clear()
