"""What happened to people's tasks and points. The events are written by triggers, which the fourth migration makes."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from rewards_service.models import Base, UserEvent

KEPT = timedelta(days=7)
_event = Base.metadata.tables["event"].c


class EventRepository:
    """Events, in one transaction. The ids of one person's events follow the order of their commits."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def newest(self, user_id: UUID) -> int:
        """The id of this person's newest event; 0 when there is none."""
        return await self._session.scalar(select(func.max(_event.id)).where(_event.user_id == user_id)) or 0

    async def is_kept(self, user_id: UUID, event_id: int) -> bool:
        """Whether this person's event of this id is still there."""
        found = select(_event.id).where(_event.user_id == user_id, _event.id == event_id)
        return await self._session.scalar(found) is not None

    async def after(self, user_id: UUID, event_id: int, limit: int) -> list[UserEvent]:
        """This person's events that follow the one of this id, in order."""
        following = select(UserEvent).where(_event.user_id == user_id, _event.id > event_id)
        return list(await self._session.scalars(following.order_by(_event.id).limit(limit)))

    async def forget_old(self, limit: int) -> int:
        """Delete those of so many of the oldest that are too old. Returns how many."""
        oldest = select(_event.id).order_by(_event.id).limit(limit)
        deleted = delete(UserEvent).where(_event.id.in_(oldest), _event.created_at < func.now() - KEPT)
        return len((await self._session.scalars(deleted.returning(_event.id))).all())
