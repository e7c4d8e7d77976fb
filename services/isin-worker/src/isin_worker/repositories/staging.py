"""A list on its way in, all in one transaction: COPY into a temporary table, compare, publish the difference.

Temporary tables are unlogged, nobody else sees them, and they are empty after the transaction, however that ends. They
stay with their connection, without constraints and defaults, because making them is what an unchanged list would log.
"""

from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# The limits of ordinary requests are too short for a list of millions, and too narrow for sorting one. Helpers of the
# planner's would take every processor, and who looks something up meanwhile would wait for one.
_PATIENCE = """
SELECT set_config('statement_timeout', '15min', true), set_config('lock_timeout', '15min', true),
       set_config('work_mem', '128MB', true), set_config('maintenance_work_mem', '128MB', true),
       set_config('max_parallel_workers_per_gather', '0', true)
"""

STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS staged (
    number bigint, isin text COLLATE "C", venue text COLLATE "C", op text,
    name text, type text, currency text, lei text, details jsonb
) ON COMMIT DELETE ROWS
"""
_DIFFERENCE = """
CREATE TEMPORARY TABLE IF NOT EXISTS difference (
    isin text COLLATE "C", venue text COLLATE "C", name text, type text, currency text, lei text, details jsonb,
    known boolean, kind text, before jsonb
) ON COMMIT DELETE ROWS
"""

# In a full list a listing counts where it stands first. Changes are applied in their order: the last one counts. An
# array of places, because usually there are none, and then nothing is looked through a second time.
_SETTLE = """
WITH repeated AS (
    DELETE FROM staged WHERE ctid = ANY (ARRAY(
        SELECT place FROM (
            SELECT ctid AS place, row_number() OVER (PARTITION BY isin, venue ORDER BY ctid {order}) AS nth FROM staged
        ) AS counted
        WHERE nth > 1
    ))
    RETURNING ctid AS place, number, isin, venue, name
), kept AS (
    SELECT * FROM repeated ORDER BY place LIMIT :kept
), refused AS (
    INSERT INTO quarantine (run_id, row_number, reason, raw)
    SELECT :run_id, coalesce(kept.number, 0),
        'the ISIN stands ' || coalesce('on line ' || min(staged.number), 'in the list') || ' already',
        concat_ws(',', isin, nullif(kept.venue, ''), kept.name)
    FROM kept JOIN staged USING (isin)
    WHERE staged.venue IS NOT DISTINCT FROM kept.venue
    GROUP BY kept.place, kept.number, isin, kept.venue, kept.name
    ORDER BY kept.place
)
SELECT count(*) FROM repeated
"""

# Only lists of codes and FIRDS have no numbers: their rows have a venue after the ISIN or nothing.
_UNNUMBERED = """
SELECT id, split_part(raw, ',', 1) AS isin, split_part(raw, ',', 2) AS venue
FROM quarantine WHERE run_id = :run_id AND row_number = 0 ORDER BY id
"""

# ON CONFLICT ... DO UPDATE ... WHERE would lock and log every row of a list that did not change. This join writes none.
# It is sorted once, for what reads the differences below: a temporary table is read in the order it was written in.
_COMPARE = """
INSERT INTO difference
SELECT
    isin, venue, new.name, new.type, new.currency, new.lei, new.details, old.here IS NOT NULL AS known,
    CASE WHEN new.gone IS NOT FALSE THEN 'removed' WHEN old.here THEN 'changed' ELSE 'added' END AS kind,
    CASE WHEN old.here IS NOT NULL THEN to_jsonb(old) - '{{isin,venue,here}}'::text[] END AS before
FROM (
    SELECT isin, coalesce(venue, '') AS venue, name, type, currency, lei, coalesce(details, '{{}}') AS details,
        coalesce(op IN ('terminated', 'cancelled'), false) AS gone
    FROM staged
) AS new
{join} JOIN (
    SELECT isin, venue, name, type, currency, lei, details, last_seen IS NULL AS here FROM listing WHERE feed = :feed
) AS old USING (isin, venue)
WHERE (new.gone IS NOT FALSE AND old.here)
   OR (NOT new.gone AND (old.here IS NOT TRUE
       OR (new.name, new.type, new.currency, new.lei, new.details)
          IS DISTINCT FROM (old.name, old.type, old.currency, old.lei, old.details)))
ORDER BY isin, venue
"""

# Held until the commit, so that ids come in the order in which readers get to see them, whatever feed they are of.
_ONE_AFTER_ANOTHER = "SELECT pg_advisory_xact_lock(hashtextextended('isin_change', 0))"

_LOG = """
INSERT INTO isin_change (run_id, feed, isin, venue, kind, old, new)
SELECT :run_id, :feed, isin, venue, kind, before, CASE WHEN kind <> 'removed' THEN jsonb_build_object(
    'name', name, 'type', type, 'currency', currency, 'lei', lei, 'details', details) END
FROM difference
"""

_INSERT = """
INSERT INTO listing (feed, isin, venue, name, type, currency, lei, details, first_seen)
SELECT :feed, isin, venue, name, type, currency, lei, details, :day
FROM difference WHERE kind <> 'removed' AND NOT known
"""

_UPDATE = """
UPDATE listing
SET name = new.name, type = new.type, currency = new.currency, lei = new.lei, details = new.details, last_seen = NULL
FROM difference AS new
WHERE listing.feed = :feed AND listing.isin = new.isin AND listing.venue = new.venue
  AND new.kind <> 'removed' AND new.known
"""

_REMOVE = """
UPDATE listing SET last_seen = (SELECT business_date FROM publication WHERE feed = :feed)
FROM difference AS gone
WHERE listing.feed = :feed AND listing.isin = gone.isin AND listing.venue = gone.venue AND gone.kind = 'removed'
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """How many listings a new list adds, changes and removes."""

    added: int
    changed: int
    removed: int


class StagingRepository:
    """The one list that this transaction brings in."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def queue_up(self, feed: str) -> None:
        """Wait until no other transaction publishes this feed, and keep others waiting until this one ends."""
        await self._session.execute(text(_PATIENCE))
        await self._session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:feed, 0))"), {"feed": feed})

    async def open(self) -> None:
        """See to it that there is an empty stage."""
        await self._session.execute(text(STAGE))
        await self._session.execute(text(_DIFFERENCE))

    async def copy(self, chunks: AsyncIterable[bytes], columns: Sequence[str], delimiter: str) -> None:
        """Stage the rows of one file, which are text in COPY's format."""
        connection = await (await self._session.connection()).get_raw_connection()
        await connection.driver_connection.copy_to_table(  # type: ignore[union-attr]  # asyncpg's own connection
            "staged", source=chunks, columns=columns, format="text", delimiter=delimiter
        )

    async def settle(self, run_id: UUID, *, last_counts: bool, kept: int) -> int:
        """Leave one row of each listing, the last one or else the first; the others of a full list are refused.

        At most ``kept`` of them go into quarantine. Returns how many rows were left out.
        """
        order, kept = ("DESC", 0) if last_counts else ("ASC", kept)
        # nosemgrep: sql-built-from-values - one of two words of ours
        statement = text(_SETTLE.format(order=order))
        return int(await self._session.scalar(statement, {"run_id": run_id, "kept": kept}) or 0)

    async def unnumbered(self, run_id: UUID) -> Sequence[tuple[int, tuple[str, str]]]:
        """The repeated rows in quarantine whose place in the list is not known, in its order: id, ISIN and venue."""
        rows = await self._session.execute(text(_UNNUMBERED), {"run_id": run_id})
        return [(row.id, (row.isin, row.venue)) for row in rows]

    async def number(self, places: Iterable[Mapping[str, object]]) -> None:
        """Say of rows in quarantine, by ``id``, at which ``place`` they are, and which was the ``first`` like them."""
        if rows := list(places):
            reason = "'the ISIN stands on line ' || CAST(:first AS bigint) || ' already'"
            update = f"UPDATE quarantine SET row_number = :place, reason = {reason} WHERE id = :id"  # noqa: S608 - a constant
            await self._session.execute(text(update), rows)

    async def refuse(self, run_id: UUID, refused: Iterable[Mapping[str, object]]) -> None:
        """Put rows into quarantine, and forget those of earlier attempts."""
        await self._session.execute(text("DELETE FROM quarantine WHERE run_id = :run_id"), {"run_id": run_id})
        if rows := [{"run_id": run_id, **row} for row in refused]:
            insert = "INSERT INTO quarantine (run_id, row_number, reason, raw) VALUES (:run_id, :number, :reason, :raw)"
            await self._session.execute(text(insert), rows)

    async def compare(self, feed: str, *, whole: bool) -> Difference:
        """What the staged list changes; what is not in a ``whole`` one is gone. Writes nothing that lasts."""
        join = "FULL" if whole else "LEFT"
        # nosemgrep: sql-built-from-values - one of two words of ours
        await self._session.execute(text(_COMPARE.format(join=join)), {"feed": feed})
        counted = await self._session.execute(text("SELECT kind, count(*) AS total FROM difference GROUP BY kind"))
        counts: dict[str, int] = {row.kind: row.total for row in counted}
        return Difference(counts.get("added", 0), counts.get("changed", 0), counts.get("removed", 0))

    async def apply(self, feed: str, run_id: UUID, day: date, difference: Difference) -> None:
        """Bring the listings of the feed to what was compared, and log each step. Without any, nothing is written."""
        if difference == Difference(0, 0, 0):
            return
        await self._session.execute(text("ANALYZE difference (isin, venue, kind, known)"))
        await self._session.execute(text(_UPDATE), {"feed": feed})
        await self._session.execute(text(_REMOVE), {"feed": feed})
        await self._session.execute(text(_INSERT), {"feed": feed, "day": day})
        await self._session.execute(text(_ONE_AFTER_ANOTHER))
        await self._session.execute(text(_LOG), {"run_id": run_id, "feed": feed})
