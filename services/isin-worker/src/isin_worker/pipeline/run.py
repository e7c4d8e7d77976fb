"""One run from claim to publication."""

import asyncio
from pathlib import Path

import httpx

from isin_worker.models import Publication
from isin_worker.pipeline.fetch import Download, Validators, fetch
from isin_worker.pipeline.publish import Claim, confirm_list, publish_list
from isin_worker.repositories.publications import PublicationRepository
from servicekit.db import Database


class Pipeline:
    """Does the work of claimed runs."""

    def __init__(self, database: Database, client: httpx.AsyncClient, *, spool: Path, fetch_seconds: float) -> None:
        self._database = database
        self._client = client
        self._spool = spool
        self._fetch_seconds = fetch_seconds

    async def run(self, claim: Claim) -> None:
        """Fetch the feed's list and publish it. No transaction is open while the network is waited for.

        Raises FeedError and OSError, after which what was published before stands untouched.
        """
        standing = await self._standing(claim)
        folder = self._spool / claim.feed.name
        await asyncio.to_thread(_clear, folder)
        path = folder / f"{claim.business_date}-{claim.owner.hex}"
        try:
            known = Validators(standing.etag, standing.last_modified) if standing else None
            download = await fetch(self._client, claim.feed, path, known=known, seconds=self._fetch_seconds)
            async with self._database.transaction() as session:
                if standing is not None and _same(standing, download):
                    await confirm_list(session, claim, standing, download)
                else:
                    assert download is not None  # noqa: S101 - 304 is the answer to validators only
                    await publish_list(session, claim, download)
        finally:
            path.unlink(missing_ok=True)

    async def _standing(self, claim: Claim) -> Publication | None:
        """What stands, if an unchanged list means that there is nothing to do."""
        async with self._database.transaction() as session:
            standing = await PublicationRepository(session).get(claim.feed.name)
        if standing is None or claim.forced:
            return None
        same = (standing.url, standing.fingerprint) == (claim.feed.url, claim.feed.fingerprint)
        return standing if same else None


def _clear(folder: Path) -> None:
    """An empty folder: what lies there was left by a worker that was killed, or whose lease is over."""
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.iterdir():
        left.unlink(missing_ok=True)


def _same(standing: Publication, download: Download | None) -> bool:
    return download is None or download.sha256 == standing.sha256
