"""The audit log: who did what to whose account. It holds ids and words of ours: no secret, no address, no name."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from auth_service.models import AuditEvent


class AuditRepository:
    """SQL on the audit log, within the session's transaction: an event stands or falls with what it tells of."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(
        self, kind: str, *, user_id: UUID | None, actor_id: UUID | None = None, **details: str | bool | list[str] | None
    ) -> None:
        """Write an event about an account; ``actor_id`` is the administrator when somebody else did it."""
        told = {name: value for name, value in details.items() if value is not None}
        await self._session.execute(
            insert(AuditEvent).values(kind=kind, user_id=user_id, actor_id=actor_id or user_id, details=told)
        )

    async def page(
        self, *, user_id: UUID | None, kind: str | None, before: UUID | None, limit: int
    ) -> Sequence[AuditEvent]:
        """Events, newest first."""
        statement = select(AuditEvent).order_by(col(AuditEvent.id).desc()).limit(limit)
        if user_id is not None:
            statement = statement.where(col(AuditEvent.user_id) == user_id)
        if kind is not None:
            statement = statement.where(col(AuditEvent.kind) == kind)
        if before is not None:
            statement = statement.where(col(AuditEvent.id) < before)
        return (await self._session.execute(statement)).scalars().all()
