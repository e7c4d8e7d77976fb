"""The answers kept for repeated requests."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from rewards_service.models import Base, IdempotencyKey

KEPT = timedelta(days=7)
_kept = Base.metadata.tables["idempotency_key"].c


class IdempotencyRepository:
    """Kept answers, by person, route and key."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def try_lock(self, user_id: UUID, route: str, key: str) -> bool:
        """Take the key until the transaction ends; False, without waiting, while another transaction has it."""
        name = func.hashtextextended(f"{user_id} {route} {key}", 0)
        return bool(await self._session.scalar(select(func.pg_try_advisory_xact_lock(name))))

    async def find(self, user_id: UUID, route: str, key: str) -> IdempotencyKey | None:
        """The answer kept under the key, unless it is too old."""
        kept = await self._session.scalars(
            select(IdempotencyKey).where(
                _kept.user_id == user_id,
                _kept.route == route,
                _kept.key == key,
                _kept.created_at > func.now() - KEPT,
            )
        )
        return kept.one_or_none()

    async def keep(self, **values: Any) -> None:
        """Keep an answer, in the place of one that is too old."""
        statement = insert(IdempotencyKey).values(**values)
        await self._session.execute(
            statement.on_conflict_do_update(
                index_elements=["user_id", "route", "key"], set_={**values, "created_at": func.now()}
            )
        )
