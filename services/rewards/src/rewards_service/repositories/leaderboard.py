"""Who earned most among those who want to be seen."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from rewards_service.models import Account, Base, Entry, Preference, Transaction
from rewards_service.repositories.ledger import EARNED

_account = Base.metadata.tables["account"].c
_entry = Base.metadata.tables["entry"].c
_preference = Base.metadata.tables["preference"].c
_transaction = Base.metadata.tables["transaction"].c


@dataclass(frozen=True, slots=True)
class Leader:
    """Somebody's place."""

    rank: int
    user_id: UUID
    name: str
    points: int


class LeaderboardRepository:
    """The leaderboard, and who is on it."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def is_shown(self, user_id: UUID) -> bool:
        """Whether this person wants to be on it."""
        wanted = select(_preference.leaderboard).where(_preference.user_id == user_id)
        return bool(await self._session.scalar(wanted))

    async def show(self, user_id: UUID, name: str | None) -> None:
        """Put this person on it under ``name``, or take them off when there is none."""
        values = {"leaderboard": name is not None, "name": name, "updated_at": func.now()}
        statement = insert(Preference).values(user_id=user_id, **values)
        await self._session.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_=values))

    async def leaders(self, since: datetime | None, after: tuple[int, UUID] | None, limit: int) -> list[Leader]:
        """Those who earned something from ``since`` on, most points first."""
        points = func.sum(_entry.amount).filter(EARNED)
        totals = (
            select(_preference.user_id, _preference.name, points.label("points"))
            .join(Account, _account.user_id == _preference.user_id)
            .join(Entry, _entry.account_id == _account.id)
            .join(Transaction, _transaction.id == _entry.transaction_id)
            .where(_preference.leaderboard)
            .group_by(_preference.user_id, _preference.name)
            .having(points > 0)
        )
        if since is not None:
            totals = totals.where(_transaction.created_at >= since)
        total = totals.subquery().c
        rank = func.rank().over(order_by=total.points.desc()).label("rank")
        ranked = select(rank, total.user_id, total.name, total.points).subquery().c
        statement = (
            select(ranked.rank, ranked.user_id, ranked.name, ranked.points)
            .order_by(ranked.points.desc(), ranked.user_id.desc())
            .limit(limit)
        )
        if after is not None:
            statement = statement.where(tuple_(ranked.points, ranked.user_id) < after)
        return [
            Leader(row.rank, row.user_id, row.name, int(row.points)) for row in await self._session.execute(statement)
        ]

    async def month(self) -> datetime:
        """When this month began (UTC), by the database's clock."""
        month: datetime = (await self._session.scalars(select(func.date_trunc("month", func.now(), "UTC")))).one()
        return month
