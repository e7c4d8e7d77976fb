"""How feeds and runs stand, read for the command line by what answers the API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession

import isin_worker
from isin_worker.repositories.publications import PublicationRepository
from isin_worker.repositories.runs import RunRepository
from isin_worker.schemas import FeedOut, RunOut
from isin_worker.services.feeds import FeedService, feed_named
from isin_worker.settings import Settings
from servicekit.db import Database
from servicekit.schema_head import require_head


async def feeds(settings: Settings) -> list[FeedOut]:
    """Every feed. Raises SchemaNotAtHead, OSError, and SQLAlchemy's DBAPIError."""
    async with _session(settings) as session:
        service = FeedService(RunRepository(session), PublicationRepository(session), settings.enabled_feeds())
        return await service.all()


async def runs(settings: Settings, feed: str, limit: int) -> list[RunOut]:
    """The newest runs of a feed. Raises UnknownFeed, and what `feeds` raises."""
    feed_named(settings.enabled_feeds(), feed)
    async with _session(settings) as session:
        newest = await RunRepository(session).newest(feed, before=None, limit=limit)
        return [RunOut.model_validate(run) for run in newest]


@asynccontextmanager
async def _session(settings: Settings) -> AsyncIterator[AsyncSession]:
    database = Database(settings, application_name="isin-worker")
    try:
        async with database.engine.connect() as connection:
            await require_head(connection, str(isin_worker.__file__))
        async with database.transaction() as session:
            yield session
    finally:
        await database.close()
