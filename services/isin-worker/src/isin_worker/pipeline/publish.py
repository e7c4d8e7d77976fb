"""Publish: from the files to the listings, in one transaction that counts only while the run is ours."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from isin_worker.errors import LeaseLost, OutdatedList, UnreadableList
from isin_worker.feeds import Feed
from isin_worker.models import Publication
from isin_worker.pipeline.batches import NO_ISIN, Batch, Delivery, ListFile, Refused, Statement
from isin_worker.pipeline.gates import Hold, Measured, holds
from isin_worker.pipeline.progress import Progress
from isin_worker.pipeline.repeats import number_repeats
from isin_worker.pipeline.stream import ahead
from isin_worker.repositories.publications import PublicationRepository
from isin_worker.repositories.runs import RunRepository
from isin_worker.repositories.staging import Difference, StagingRepository
from isin_worker.states import Status

KEPT_REFUSED = 1000


@dataclass(frozen=True, slots=True)
class Claim:
    """A run that is ours until its lease ends. ``released_sha256`` is of the list that no gate holds any more.

    ``final``: what the publisher does not list by now is not waited for.
    """

    run_id: UUID
    owner: UUID
    feed: Feed
    business_date: date
    forced: bool
    attempt: int
    released_sha256: str | None = None
    final: bool = False


@dataclass(slots=True)
class Reading:
    """What was seen of a list while it was read: ``bad`` rows were refused for a fault, ``refused`` for any reason."""

    rows: int = 0
    bad: int = 0
    refused: int = 0
    kept: list[Refused] = field(default_factory=list)  # the first KEPT_REFUSED
    statements: list[Statement] = field(default_factory=list)

    def count(self, batch: Batch) -> None:
        """Take a batch into account."""
        self.rows += batch.rows
        self.refused += len(batch.refused)
        self.bad += sum(row.reason != NO_ISIN for row in batch.refused)
        self.kept += batch.refused[: KEPT_REFUSED - len(self.kept)]
        self.statements += [batch.statement] if batch.statement else []


async def publish_list(session: AsyncSession, claim: Claim, delivery: Delivery, progress: Progress) -> Status:
    """Make the delivered list the one that stands, with its differences logged, and the run succeeded.

    If a gate does not let it pass, the run is held instead, with the same counts and nothing published.

    Raises UnreadableList, OutdatedList and LeaseLost; the caller's transaction must then be rolled back.
    """
    staging = StagingRepository(session)
    await staging.queue_up(claim.feed.name)
    standing = await _standing(session, claim)
    expected = standing.rows if standing else None
    reading = await _stage(staging, delivery, lambda rows: progress.reading(claim.feed.name, rows, expected))
    whole, changes = delivery.files[0].mode == "full", any(file.mode == "delta" for file in delivery.files)
    if whole and reading.rows == reading.refused:
        raise UnreadableList(f"none of {reading.rows} rows is valid")
    await staging.refuse(
        claim.run_id, ({"number": row.number, "reason": row.reason, "raw": row.raw} for row in reading.kept)
    )
    repeated = await staging.settle(claim.run_id, last_counts=changes, kept=KEPT_REFUSED)
    if repeated and not changes:
        await number_repeats(staging, claim.run_id, delivery.files)
    difference = await staging.compare(claim.feed.name, whole=whole)
    refused = reading.refused + (0 if changes else repeated)
    counts = _counts(difference, stood=standing.valid if standing else 0, refused=refused)
    source = _source(delivery)
    kept_back = holds(delivery, _measured(reading, counts, standing), claim.feed.gates)
    if kept_back and delivery.sha256 != claim.released_sha256:
        await hold(session, claim, kept_back, **source, **counts, bytes=delivery.bytes)
        return Status.HELD
    progress.publishing(claim.feed.name, difference.added + difference.changed + difference.removed)
    await staging.apply(claim.feed.name, claim.run_id, claim.business_date, difference)
    await _stand(session, claim, source, rows=counts["rows"], valid=counts["valid"])
    await _succeed(session, claim, **source, **counts, bytes=delivery.bytes)
    return Status.SUCCEEDED


async def confirm_list(session: AsyncSession, claim: Claim, standing: Publication, delivery: Delivery | None) -> None:
    """Record that the list which stands is still the one that is published: no row of a listing is touched.

    Raises OutdatedList and LeaseLost; the caller's transaction must then be rolled back.
    """
    await StagingRepository(session).queue_up(claim.feed.name)
    await _standing(session, claim)
    known = delivery or standing
    source = {
        "url": claim.feed.url,
        "etag": known.etag,
        "last_modified": known.last_modified,
        "sha256": standing.sha256,
        "version": known.version,
    }
    await _stand(session, claim, source, rows=standing.rows, valid=standing.valid)
    counts = _counts(Difference(0, 0, 0), stood=standing.valid, refused=standing.rows - standing.valid)
    await _succeed(session, claim, **source, **counts, bytes=delivery.bytes if delivery else 0)


async def hold(session: AsyncSession, claim: Claim, kept_back: Sequence[Hold], **facts: Any) -> None:
    """Record that gates keep the list back. Raises LeaseLost."""
    gate = [one.as_record() for one in kept_back]
    error = "; ".join(one.detail for one in kept_back)
    facts |= {"gate": gate, "error": error, "parser": claim.feed.fingerprint}
    if not await RunRepository(session).hold(claim.run_id, claim.owner, **facts):
        raise LeaseLost("somebody else took the run over")


async def _stage(staging: StagingRepository, delivery: Delivery, tell: Callable[[int], None]) -> Reading:
    reading = Reading()
    await staging.open()
    for file in delivery.files:
        layout = file.rows.layout
        async with aclosing(_chunks(file, reading, tell)) as chunks:
            await staging.copy(chunks, layout.columns, layout.delimiter)
    return reading


async def _chunks(file: ListFile, reading: Reading, tell: Callable[[int], None]) -> AsyncGenerator[bytes]:
    async with aclosing(ahead(iter(file.rows))) as batches:
        async for batch in batches:
            reading.count(batch)
            tell(reading.rows)
            if batch.copy:
                yield batch.copy


async def _standing(session: AsyncSession, claim: Claim) -> Publication | None:
    standing = await PublicationRepository(session).get(claim.feed.name)
    if standing is not None and standing.business_date > claim.business_date:
        raise OutdatedList(f"the list of {standing.business_date} is published already")
    return standing


def _measured(reading: Reading, counts: dict[str, int], standing: Publication | None) -> Measured:
    return Measured(
        read=reading.rows,
        bad=reading.bad,
        valid=counts["valid"],
        removed=counts["removed"],
        stood=standing.valid if standing else None,
        statements=reading.statements,
    )


def _counts(difference: Difference, *, stood: int, refused: int) -> dict[str, int]:
    """The counts of a run, of which each follows from what stood, what was refused, and the difference."""
    valid = stood + difference.added - difference.removed
    return {
        "rows": valid + refused,
        "valid": valid,
        "added": difference.added,
        "changed": difference.changed,
        "removed": difference.removed,
        "unchanged": valid - difference.added - difference.changed,
        "quarantined": refused,
    }


def _source(delivery: Delivery) -> dict[str, Any]:
    return {
        "url": delivery.url,
        "etag": delivery.etag,
        "last_modified": delivery.last_modified,
        "sha256": delivery.sha256,
        "version": delivery.version,
    }


async def _stand(session: AsyncSession, claim: Claim, source: dict[str, Any], *, rows: int, valid: int) -> None:
    await PublicationRepository(session).stand(
        claim.feed.name,
        run_id=claim.run_id,
        business_date=claim.business_date,
        fingerprint=claim.feed.fingerprint,
        rows=rows,
        valid=valid,
        **{**source, "url": claim.feed.url},  # where it is asked for; a run says which file it was
    )


async def _succeed(session: AsyncSession, claim: Claim, **facts: Any) -> None:
    runs = RunRepository(session)
    await runs.drop_held(claim.feed.name, before=claim.business_date)
    # Last in the transaction: whoever took the run over in the meantime makes this fail, and nothing is published.
    if not await runs.succeed(claim.run_id, claim.owner, parser=claim.feed.fingerprint, **facts):
        raise LeaseLost("somebody else took the run over")
