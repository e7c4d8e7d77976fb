"""Editions of several files: whole lists and changes, listings by venue, all in one transaction."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import uuid4

import asyncpg
import pytest

from isin_worker.feeds.nse_equity import NSE_EQUITY
from isin_worker.pipeline.batches import Batch, Delivery, Key, ListFile, Mode, Refused, StageLayout
from isin_worker.pipeline.progress import Unwatched
from isin_worker.pipeline.publish import Claim, publish_list
from isin_worker.settings import Settings
from isin_worker.states import Status
from isin_worker.testing import make_isin
from servicekit.db import Database

pytestmark = pytest.mark.integration

DAY = date(2026, 11, 20)
A, B, C = (make_isin(number) for number in range(3))


@dataclass(frozen=True)
class Lines:
    """Rows that were read before."""

    lines: Sequence[str]
    layout: StageLayout
    refused: Sequence[Refused] = ()

    def __iter__(self) -> Iterator[Batch]:
        for line in self.lines:
            yield Batch(f"{line}\n".encode(), 1)
        yield Batch(b"", len(self.refused), self.refused)

    def places_of(self, keys: Collection[Key]) -> Mapping[Key, Sequence[int]]:  # noqa: ARG002 - as if nothing were known
        return {}


def file_of(*lines: str, mode: Mode = "full", columns: str = "isin venue op name", delimiter: str = "|") -> ListFile:
    return ListFile(Lines(lines, StageLayout(tuple(columns.split()), delimiter)), mode)


async def publish(
    settings: Settings, db: asyncpg.Connection, day: date, *files: ListFile, **facts: object
) -> Mapping[str, object]:
    """The run after the files were published as the edition of a day."""
    owner = uuid4()
    run_id = await db.fetchval(
        "INSERT INTO run (feed, business_date, trigger, status, owner, lease_expires_at)"
        " VALUES ($1, $2, 'command', 'running', $3, now() + interval '1 hour') RETURNING id",
        NSE_EQUITY.name, day, owner,
    )  # fmt: skip
    claim = Claim(run_id, owner, NSE_EQUITY, day, forced=False, attempt=1)
    delivery = Delivery(files=files, url="http://publisher.test/", bytes=1, sha256="0", **facts)  # type: ignore[arg-type]  # facts of the gates
    database = Database(settings, application_name="test")
    try:
        async with database.transaction() as session:
            await publish_list(session, claim, delivery, Unwatched())
    finally:
        await database.close()
    run = await db.fetchrow("SELECT * FROM run WHERE id = $1", run_id)
    assert run is not None
    return dict(run)


async def listed(db: asyncpg.Connection) -> dict[tuple[str, str], str | None]:
    rows = await db.fetch("SELECT isin, venue, name FROM listing WHERE last_seen IS NULL")
    return {(row["isin"], row["venue"]): row["name"] for row in rows}


def counted(run: Mapping[str, object]) -> tuple[object, ...]:
    return tuple(run[name] for name in ("rows", "valid", "added", "changed", "removed", "unchanged", "quarantined"))


async def test_a_list_has_an_isin_once_for_each_venue(settings: Settings, db: asyncpg.Connection) -> None:
    run = await publish(settings, db, DAY, file_of(rf"{A}|XPAR|\N|One", rf"{A}|XAMS|\N|Two", rf"{B}|XPAR|\N|Three"))
    assert await listed(db) == {(A, "XPAR"): "One", (A, "XAMS"): "Two", (B, "XPAR"): "Three"}
    assert counted(run) == (3, 3, 3, 0, 0, 0, 0)


async def test_changes_apply_in_their_order_to_what_stands_and_remove_only_what_they_name(
    settings: Settings, db: asyncpg.Connection
) -> None:
    await publish(settings, db, DAY, file_of(rf"{A}|XPAR|\N|One", rf"{A}|XAMS|\N|Two", rf"{B}|XPAR|\N|Three"))
    run = await publish(
        settings,
        db,
        DAY + timedelta(days=1),
        file_of(f"{A}|XPAR|modified|Uno", f"{A}|XAMS|terminated|Two", f"{C}|XPAR|new|Four", mode="delta"),
        file_of(f"{A}|XPAR|modified|Eins", f"{C}|XPAR|cancelled|Four", mode="delta"),
    )
    assert await listed(db) == {(A, "XPAR"): "Eins", (B, "XPAR"): "Three"}
    assert counted(run) == (2, 2, 0, 1, 1, 1, 0)


async def test_a_whole_list_and_the_changes_after_it_are_published_as_one(
    settings: Settings, db: asyncpg.Connection
) -> None:
    run = await publish(
        settings,
        db,
        DAY,
        file_of(rf"{A}|XPAR|\N|One"),
        file_of(rf"{B}|XPAR|\N|Two"),
        file_of(f"{B}|XPAR|terminated|Two", f"{A}|XPAR|modified|Uno", mode="delta"),
    )
    assert await listed(db) == {(A, "XPAR"): "Uno"}
    assert counted(run) == (1, 1, 1, 0, 0, 0, 0)
    assert await db.fetchval("SELECT count(*) FROM isin_change") == 1


async def test_a_terminated_listing_that_is_not_there_changes_nothing(
    settings: Settings, db: asyncpg.Connection
) -> None:
    await publish(settings, db, DAY, file_of(rf"{A}|XPAR|\N|One"))
    run = await publish(settings, db, DAY + timedelta(days=1), file_of(f"{B}|XPAR|terminated|Two", mode="delta"))
    assert counted(run) == (1, 1, 0, 0, 0, 1, 0)


async def test_lines_of_bare_codes_pass_as_they_are_and_the_first_of_repeated_ones_counts(
    settings: Settings, db: asyncpg.Connection
) -> None:
    lei = "5493001KJTIIGC8Y1R12"
    run = await publish(
        settings, db, DAY, file_of(f"{lei},{A}", f"{lei},{B}", f"X,{A}", columns="lei isin", delimiter=",")
    )
    assert counted(run) == (3, 2, 2, 0, 0, 0, 1)
    assert await db.fetchval("SELECT lei FROM listing WHERE isin = $1", A) == lei
    refused = await db.fetchrow("SELECT row_number, reason, raw FROM quarantine")
    assert refused is not None
    assert tuple(refused) == (0, "the ISIN stands in the list already", A)


@pytest.mark.parametrize(
    ("facts", "gate"),
    [
        ({"checksum_differs": ["DLTINS.zip"]}, "checksum"),
        ({"parts_missing": ["FULINS_C_02of02.zip"]}, "parts-missing"),
    ],
)
async def test_what_the_publisher_says_of_its_list_must_hold(
    facts: dict[str, object], gate: str, settings: Settings, db: asyncpg.Connection
) -> None:
    run = await publish(settings, db, DAY, file_of(rf"{A}|XPAR|\N|One"), **facts)
    assert (run["status"], await listed(db)) == (Status.HELD, {})
    assert f'"{gate}"' in str(run["gate"])
