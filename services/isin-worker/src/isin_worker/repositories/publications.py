"""What stands of each feed."""

from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from isin_worker.models import Publication


class PublicationRepository:
    """The publications, one for each feed that ever succeeded."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, feed: str) -> Publication | None:
        """What stands of this feed."""
        return await self._session.get(Publication, feed)

    async def all(self) -> dict[str, Publication]:
        """What stands, by feed."""
        return {publication.feed: publication for publication in await self._session.scalars(select(Publication))}

    async def dates(self) -> dict[str, date]:
        """The business date that stands, by feed."""
        rows = await self._session.execute(select(col(Publication.feed), col(Publication.business_date)))
        return {row.feed: row.business_date for row in rows}

    async def stand(self, feed: str, **facts: Any) -> None:
        """Record what stands from now on."""
        facts["confirmed_at"] = func.now()
        statement = insert(Publication).values(feed=feed, **facts)
        await self._session.execute(statement.on_conflict_do_update(index_elements=["feed"], set_=facts))
