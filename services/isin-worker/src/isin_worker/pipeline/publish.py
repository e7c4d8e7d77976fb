"""Publish: from the spool file to the listings, in one transaction that counts only while the run is ours."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from isin_worker.errors import LeaseLost, OutdatedList, UnreadableList
from isin_worker.feeds import Feed
from isin_worker.models import Publication
from isin_worker.pipeline.fetch import Download
from isin_worker.pipeline.parse import read_rows
from isin_worker.pipeline.validate import Entry, Refused, check
from isin_worker.repositories.publications import PublicationRepository
from isin_worker.repositories.runs import RunRepository
from isin_worker.repositories.staging import Cells, StagingRepository, details_cell

BATCH_ROWS = 2000
KEPT_REFUSED = 1000


@dataclass(frozen=True, slots=True)
class Claim:
    """A run that is ours until its lease ends."""

    run_id: UUID
    owner: UUID
    feed: Feed
    business_date: date
    forced: bool
    attempt: int


@dataclass(slots=True)
class Reading:
    """What was seen of a list while it was read."""

    rows: int = 0
    refused: list[Refused] = field(default_factory=list)  # the first KEPT_REFUSED

    def take(self, checked: Entry | Refused) -> Iterator[Cells]:
        """Count a row, and pass it on if it can be published."""
        self.rows += 1
        if isinstance(checked, Entry):
            yield (checked.number, checked.isin, *checked.fields, details_cell(checked.details))
        elif len(self.refused) < KEPT_REFUSED:
            self.refused.append(checked)


async def publish_list(session: AsyncSession, claim: Claim, download: Download) -> None:
    """Make the downloaded list the one that stands, with its differences logged, and the run succeeded.

    Raises UnreadableList, OutdatedList and LeaseLost; the caller's transaction must then be rolled back.
    """
    staging = StagingRepository(session)
    await staging.queue_up(claim.feed.name)
    await _refuse_older(session, claim)
    reading = Reading()
    valid = await staging.copy(_batches(claim.feed, download, reading))
    if valid == 0:
        raise UnreadableList(f"none of {reading.rows} rows is valid")
    await staging.refuse(
        claim.run_id,
        ({"number": row.number, "reason": row.reason, "raw": row.raw} for row in reading.refused),
        KEPT_REFUSED,
    )
    difference = await staging.publish(claim.feed.name, claim.run_id, claim.business_date)
    source = {
        "url": claim.feed.url,
        "etag": download.validators.etag,
        "last_modified": download.validators.last_modified,
        "sha256": download.sha256,
    }
    await _stand(session, claim, source, rows=reading.rows, valid=valid)
    await _succeed(
        session,
        claim,
        {**source, "bytes": download.bytes},
        rows=reading.rows,
        valid=valid,
        added=difference.added,
        changed=difference.changed,
        removed=difference.removed,
    )


async def confirm_list(session: AsyncSession, claim: Claim, standing: Publication, download: Download | None) -> None:
    """Record that the list which stands is still the one that is published: no row of a listing is touched.

    Raises OutdatedList and LeaseLost; the caller's transaction must then be rolled back.
    """
    await StagingRepository(session).queue_up(claim.feed.name)
    await _refuse_older(session, claim)
    validators = download.validators if download else standing
    source = {
        "url": claim.feed.url,
        "etag": validators.etag,
        "last_modified": validators.last_modified,
        "sha256": standing.sha256,
    }
    await _stand(session, claim, source, rows=standing.rows, valid=standing.valid)
    transferred = {"bytes": download.bytes if download else 0}
    await _succeed(
        session,
        claim,
        {**source, **transferred},
        rows=standing.rows,
        valid=standing.valid,
        added=0,
        changed=0,
        removed=0,
    )


async def _refuse_older(session: AsyncSession, claim: Claim) -> None:
    standing = await PublicationRepository(session).get(claim.feed.name)
    if standing is not None and standing.business_date > claim.business_date:
        raise OutdatedList(f"the list of {standing.business_date} is published already")


async def _stand(session: AsyncSession, claim: Claim, source: dict[str, Any], *, rows: int, valid: int) -> None:
    await PublicationRepository(session).stand(
        claim.feed.name,
        run_id=claim.run_id,
        business_date=claim.business_date,
        fingerprint=claim.feed.fingerprint,
        rows=rows,
        valid=valid,
        **source,
    )


async def _succeed(session: AsyncSession, claim: Claim, source: dict[str, Any], **counts: int) -> None:
    derived = {
        "quarantined": counts["rows"] - counts["valid"],
        "unchanged": counts["valid"] - counts["added"] - counts["changed"],
    }
    # Last in the transaction: whoever took the run over in the meantime makes this fail, and nothing is published.
    if not await RunRepository(session).succeed(claim.run_id, claim.owner, **source, **counts, **derived):
        raise LeaseLost("somebody else took the run over")


async def _batches(feed: Feed, download: Download, reading: Reading) -> AsyncIterator[list[Cells]]:
    """The list as rows to copy, a batch at a time; reading the file and checking it happen in a thread."""
    rows = read_rows(download.path, feed)

    def next_batch() -> list[Cells] | None:
        batch = list(islice(rows, BATCH_ROWS))
        return [cells for row in batch for cells in reading.take(check(row, feed))] if batch else None

    while (batch := await asyncio.to_thread(next_batch)) is not None:
        yield batch
