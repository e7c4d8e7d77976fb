"""One run from claim to publication."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import httpx

from isin_worker.errors import HeaderDrift, PartsMissing
from isin_worker.feeds.source import Span
from isin_worker.models import Publication
from isin_worker.pipeline.batches import Delivery
from isin_worker.pipeline.collect import Collector, Known
from isin_worker.pipeline.gates import Hold
from isin_worker.pipeline.progress import Progress
from isin_worker.pipeline.publish import Claim, confirm_list, hold, publish_list
from isin_worker.pipeline.spool import Validators, prepare_folder
from isin_worker.repositories.publications import PublicationRepository
from isin_worker.states import Status
from servicekit.db import Database


class Pipeline:
    """Does the work of claimed runs."""

    def __init__(
        self,
        database: Database,
        client: httpx.AsyncClient,
        *,
        spool: Path,
        fetch_seconds: float,
        progress: Progress,
    ) -> None:
        self._database = database
        self._client = client
        self._spool = spool
        self._fetch_seconds = fetch_seconds
        self._progress = progress

    async def run(self, claim: Claim) -> Status:
        """Fetch the feed's list and publish it, or hold it. No transaction is open while the network is waited for.

        Raises FeedError and OSError, after which what was published before stands untouched.
        """
        self._progress.started(claim.feed.name, str(claim.business_date))
        standing = await self._standing(claim)
        folder = self._spool / claim.feed.name / str(claim.business_date)
        await asyncio.to_thread(prepare_folder, folder)
        try:
            status = await self._publish(claim, standing, await self._collect(claim, standing, folder))
        except PartsMissing as missing:
            status = await self._hold(claim, Hold("parts-missing", str(missing)), url=claim.feed.url)
        finally:
            self._progress.ended()
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        return status

    async def _collect(self, claim: Claim, standing: Publication | None, folder: Path) -> Delivery | None:
        """What the publisher has, as far as it is not what stands. It stays in the folder when the run fails, so that
        another attempt goes on from there."""
        known = Known(Validators(standing.etag, standing.last_modified), standing.version) if standing else None
        after, version = (standing.business_date, standing.version) if standing else (None, None)
        span = Span(claim.business_date, after, version, claim.final)
        collector = Collector(self._client, claim.feed, folder, seconds=self._fetch_seconds)
        return await collector.collect(span, claim.owner.hex, known)

    async def _publish(self, claim: Claim, standing: Publication | None, delivery: Delivery | None) -> Status:
        if standing is not None and (delivery is None or delivery.sha256 == standing.sha256):
            async with self._database.transaction() as session:
                await confirm_list(session, claim, standing, delivery)
            return Status.SUCCEEDED
        assert delivery is not None  # noqa: S101 - 304 is the answer to validators only
        try:
            async with self._database.transaction() as session:
                return await publish_list(session, claim, delivery, self._progress)
        except HeaderDrift as drift:
            # Tried again it would be the same: somebody has to look at it, and perhaps at the declaration.
            found = {"url": delivery.url, "sha256": delivery.sha256, "bytes": delivery.bytes}
            return await self._hold(claim, Hold("header-drift", str(drift)), **found)

    async def _hold(self, claim: Claim, gate: Hold, **facts: Any) -> Status:
        """Hold what could not even be staged."""
        async with self._database.transaction() as session:
            await hold(session, claim, [gate], **facts)
        return Status.HELD

    async def _standing(self, claim: Claim) -> Publication | None:
        """What stands, if an unchanged list means that there is nothing to do."""
        async with self._database.transaction() as session:
            standing = await PublicationRepository(session).get(claim.feed.name)
        # What is released is what was held: the same files, which may be changes to what stands.
        if standing is None or (claim.forced and claim.released_sha256 is None):
            return None
        same = (standing.url, standing.fingerprint) == (claim.feed.url, claim.feed.fingerprint)
        return standing if same else None
