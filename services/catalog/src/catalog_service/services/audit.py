"""What administrators did to the catalogue."""

from datetime import datetime
from uuid import UUID

import msgspec

from catalog_service.repositories.audit import AuditRepository
from catalog_service.schemas import ChangeOut
from servicekit.pagination import Cursors
from servicekit.schemas import Page


class AuditTrail:
    """Reads what the services wrote down in the transactions of the changes."""

    def __init__(self, audit: AuditRepository, cursors: Cursors) -> None:
        self._audit = audit
        self._cursors = cursors

    async def page(self, subject_id: UUID | None, cursor: str | None, limit: int) -> Page[ChangeOut]:
        """What was done to this app or category, or to all of the catalogue, newest first. Raises InvalidCursor."""
        scope = f"changes?{subject_id or ''}"
        before = msgspec.convert(self._cursors.decode(scope, cursor), tuple[datetime, UUID]) if cursor else None
        rows = await self._audit.page(subject_id, before, limit + 1)
        shown = rows[:limit]
        following = None
        if len(rows) > limit:
            following = self._cursors.encode(scope, [shown[-1].changed_at, shown[-1].id])
        return Page(items=[ChangeOut.model_validate(row) for row in shown], next_cursor=following)
