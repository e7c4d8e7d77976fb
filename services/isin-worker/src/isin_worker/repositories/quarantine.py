"""Rows that were refused."""

from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from isin_worker.models import Quarantine

_PLACE = (col(Quarantine.row_number), col(Quarantine.id))


class QuarantineRepository:
    """The refused rows that were kept, by run."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def page(self, run_id: UUID, *, after: tuple[int, int], limit: int) -> list[Quarantine]:
        """Refused rows of a run behind ``after``, a line and an id, in the order of the list."""
        query = (
            select(Quarantine)
            .where(col(Quarantine.run_id) == run_id, tuple_(*_PLACE) > after)
            .order_by(*_PLACE)
            .limit(limit)
        )
        return list(await self._session.scalars(query))
