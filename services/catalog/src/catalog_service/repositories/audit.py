"""The SQL of what administrators did. Rows are only ever added."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Table, func, insert, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from catalog_service.models import Base
from catalog_service.repositories.app_rows import AppRow

admin_change: Table = Base.metadata.tables["admin_change"]


class AuditRepository:
    """Writes down who did what, inside the transaction that does it."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, subject_id: UUID, action: str, fields: dict[str, Any], *, by: UUID) -> None:
        """``fields`` has, for each field that changed, what it was before and after, as JSON knows it."""
        row = {"subject_id": subject_id, "action": action, "fields": fields, "changed_by": by}
        await self._session.execute(insert(admin_change).values(**row, changed_at=func.clock_timestamp()))

    async def page(self, subject_id: UUID | None, before: tuple[datetime, UUID] | None, limit: int) -> list[AppRow]:
        """What was done to this app, category or import, or to anything at all, newest first."""
        key = (admin_change.c.changed_at, admin_change.c.id)
        found = select(admin_change)
        if subject_id is not None:
            found = found.where(admin_change.c.subject_id == subject_id)
        if before is not None:
            found = found.where(tuple_(*key) < tuple_(*before))
        return list(await self._session.execute(found.order_by(*(column.desc() for column in key)).limit(limit)))
