"""Rows that were refused."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from isin_worker.models import Quarantine


class QuarantineRepository:
    """The refused rows that were kept, by run."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def page(self, run_id: UUID, *, after: int, limit: int) -> list[Quarantine]:
        """Refused rows of a run behind line ``after``, in the order of the list."""
        query = (
            select(Quarantine)
            .where(col(Quarantine.run_id) == run_id, col(Quarantine.row_number) > after)
            .order_by(col(Quarantine.row_number))
            .limit(limit)
        )
        return list(await self._session.scalars(query))
