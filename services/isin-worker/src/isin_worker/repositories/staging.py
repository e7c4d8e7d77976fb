"""A list on its way in, all in one transaction: COPY into a temporary table, compare, publish the difference.

A temporary table is unlogged, nobody else sees it, and it is gone with the transaction, however that ends.
"""

import json
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

STAGED = ("number", "isin", "name", "type", "currency", "lei", "details")
TIMEOUT = "10min"  # the limits of ordinary requests are too short for a list of millions

Cells = Sequence[str | int | None]

_CREATE = """
CREATE TEMPORARY TABLE staged (
    number bigint NOT NULL, isin text COLLATE "C" NOT NULL, name text, type text, currency text, lei text,
    details jsonb NOT NULL
) ON COMMIT DROP
"""

# An ISIN counts once, where it stands first; the other rows are refused.
_REFUSE_REPEATED = """
INSERT INTO quarantine (run_id, row_number, reason, raw)
SELECT :run_id, number, 'the ISIN stands on line ' || first || ' already', concat_ws(',', isin, name)
FROM (SELECT *, min(number) OVER (PARTITION BY isin) AS first FROM staged) AS repeated
WHERE number > first ORDER BY number LIMIT :kept
"""

# ON CONFLICT ... DO UPDATE ... WHERE would lock and log every row of a list that did not change. This join writes none.
_COMPARE = """
CREATE TEMPORARY TABLE difference ON COMMIT DROP AS
SELECT
    isin, new.name, new.type, new.currency, new.lei, new.details, old.isin IS NOT NULL AS known,
    CASE WHEN new.isin IS NULL THEN 'removed' WHEN old.here THEN 'changed' ELSE 'added' END AS kind,
    CASE WHEN old.isin IS NOT NULL THEN to_jsonb(old) - '{isin,here}'::text[] END AS before,
    CASE WHEN new.isin IS NOT NULL THEN to_jsonb(new) - 'isin' END AS after
FROM (
    SELECT DISTINCT ON (isin) isin, name, type, currency, lei, details FROM staged ORDER BY isin, number
) AS new
FULL JOIN (
    SELECT isin, name, type, currency, lei, details, last_seen IS NULL AS here FROM listing WHERE feed = :feed
) AS old USING (isin)
WHERE (new.isin IS NULL AND old.here)
   OR (new.isin IS NOT NULL AND (old.here IS NOT TRUE
       OR (new.name, new.type, new.currency, new.lei, new.details)
          IS DISTINCT FROM (old.name, old.type, old.currency, old.lei, old.details)))
"""

_LOG = """
INSERT INTO isin_change (run_id, feed, isin, kind, old, new)
SELECT :run_id, :feed, isin, kind, before, after FROM difference ORDER BY isin
"""

_INSERT = """
INSERT INTO listing (feed, isin, name, type, currency, lei, details, first_seen)
SELECT :feed, isin, name, type, currency, lei, details, :day FROM difference WHERE kind <> 'removed' AND NOT known
ORDER BY isin
"""

_UPDATE = """
UPDATE listing
SET name = new.name, type = new.type, currency = new.currency, lei = new.lei, details = new.details, last_seen = NULL
FROM difference AS new
WHERE listing.feed = :feed AND listing.isin = new.isin AND new.kind <> 'removed' AND new.known
"""

_REMOVE = """
UPDATE listing SET last_seen = (SELECT business_date FROM publication WHERE feed = :feed)
FROM difference AS gone
WHERE listing.feed = :feed AND listing.isin = gone.isin AND gone.kind = 'removed'
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """How many ISINs a new list adds, changes and removes."""

    added: int
    changed: int
    removed: int


class StagingRepository:
    """The one list that this transaction brings in."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def queue_up(self, feed: str) -> None:
        """Wait until no other transaction publishes this feed, and keep others waiting until this one ends."""
        await self._session.execute(text(f"SET LOCAL statement_timeout = '{TIMEOUT}'"))
        await self._session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:feed, 0))"), {"feed": feed})

    async def copy(self, batches: AsyncIterable[Iterable[Cells]]) -> int:
        """Fill the staging table with cells in the order of ``STAGED``. Returns how many different ISINs there are."""
        await self._session.execute(text(_CREATE))
        connection = await (await self._session.connection()).get_raw_connection()
        await connection.driver_connection.copy_to_table(  # type: ignore[union-attr]  # asyncpg's own connection
            "staged", source=_lines(batches), columns=STAGED, format="text"
        )
        await self._session.execute(text("ANALYZE staged"))
        return int(await self._session.scalar(text("SELECT count(DISTINCT isin) FROM staged")) or 0)

    async def refuse(self, run_id: UUID, refused: Iterable[Mapping[str, object]], kept: int) -> None:
        """Put rows into quarantine, then ``kept`` at most of those that repeat an ISIN; forget earlier attempts'."""
        await self._session.execute(text("DELETE FROM quarantine WHERE run_id = :run_id"), {"run_id": run_id})
        if rows := [{"run_id": run_id, **row} for row in refused]:
            insert = "INSERT INTO quarantine (run_id, row_number, reason, raw) VALUES (:run_id, :number, :reason, :raw)"
            await self._session.execute(text(insert), rows)
        await self._session.execute(text(_REFUSE_REPEATED), {"run_id": run_id, "kept": kept})

    async def publish(self, feed: str, run_id: UUID, day: date) -> Difference:
        """Bring the listings of the feed to what is staged, and log each step. An unchanged list writes no row."""
        await self._session.execute(text(_COMPARE), {"feed": feed})
        counted = await self._session.execute(text("SELECT kind, count(*) AS total FROM difference GROUP BY kind"))
        counts: dict[str, int] = {row.kind: row.total for row in counted}
        if counts:
            await self._session.execute(text(_LOG), {"run_id": run_id, "feed": feed})
            await self._session.execute(text(_UPDATE), {"feed": feed})
            await self._session.execute(text(_REMOVE), {"feed": feed})
            await self._session.execute(text(_INSERT), {"feed": feed, "day": day})
        return Difference(counts.get("added", 0), counts.get("changed", 0), counts.get("removed", 0))


async def _lines(batches: AsyncIterable[Iterable[Cells]]) -> AsyncIterator[bytes]:
    async for rows in batches:
        yield "".join(["\t".join([_cell(cell) for cell in row]) + "\n" for row in rows]).encode()


def _cell(value: str | int | None) -> str:
    r"""A value in COPY's text format: ``\N`` for null, and the four characters that mean something escaped."""
    if value is None:
        return r"\N"
    if isinstance(value, int):
        return str(value)
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def details_cell(details: Mapping[str, str]) -> str:
    """Details as the JSON that the column holds."""
    return json.dumps(details, ensure_ascii=False)
