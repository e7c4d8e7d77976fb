"""The history, in the order in which it became visible."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from isin_worker.models import Change, Run

_SHOWN = (
    Change.id,
    Change.run_id,
    Change.feed,
    Change.isin,
    Change.venue,
    Change.kind,
    Change.at,
    Change.old,
    Change.new,
)


class ChangeRepository:
    """Changes of listings, by an id that only grows from one commit to the next."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def page(self, *, after: int, feed: str | None, limit: int) -> list[Row[Any]]:
        """Changes behind ``after``, each with its run's business date."""
        query = (
            select(*_SHOWN, col(Run.business_date))  # type: ignore[call-overload]  # columns, which their types hide
            .join(Run, col(Run.id) == col(Change.run_id))
            .where(col(Change.id) > after)
            .order_by(col(Change.id))
            .limit(limit)
        )
        if feed is not None:
            query = query.where(col(Change.feed) == feed)
        return list(await self._session.execute(query))

    async def before(self, moment: datetime) -> int:
        """The id behind which everything is that was recorded at ``moment`` or later."""
        first = await self._session.scalar(select(func.min(col(Change.id))).where(col(Change.at) >= moment))
        newest = select(func.coalesce(func.max(col(Change.id)), 0))
        return first - 1 if first else int(await self._session.scalar(newest) or 0)
