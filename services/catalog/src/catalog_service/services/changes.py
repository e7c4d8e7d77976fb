"""The feed of changes: what a client that keeps a copy of the catalogue has missed."""

import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from catalog_service.errors import ChangesTooOld
from catalog_service.repositories.app_reads import AppReads
from catalog_service.services.app_views import ChangesPage, view
from servicekit.pagination import Cursors

KEPT_DAYS = 90
_SCOPE = "changes"
_DAY = 86_400
_BEGINNING = (0, UUID(int=0))
_LAST_ID = UUID(int=2**128 - 1)


class ChangesFeed:
    """Hands out each app at the place of its last change, so that a copy is right when the end is reached."""

    def __init__(self, apps: AppReads, cursors: Cursors) -> None:
        self._apps = apps
        self._cursors = cursors

    async def page(self, *, since: str | None, cursor: str | None, limit: int) -> ChangesPage:
        """What changed after ``cursor`` or ``since``: what the last answer gave, or for ``since`` a date or time.

        From the beginning without them.

        Raises:
            InvalidCursor: it is neither a time nor what this feed gave.
            ChangesTooOld: it is older than ``KEPT_DAYS``, or its place lies ahead of this database, which must then
                be an older copy.
        """
        if cursor is not None:
            after = self._place(cursor, "cursor")
        elif since is not None:
            moment = _moment(since)
            after = self._place(since, "since") if moment is None else await self._before(moment)
        else:
            after = _BEGINNING
        rows = await self._apps.changes(after, limit + 1)
        shown = rows[:limit]
        if shown:
            after = (shown[-1][-1], shown[-1][0])
        elif after[0] >= await self._apps.next_transaction():
            raise ChangesTooOld
        # The day, not the second: what does not change keeps its ETag.
        token = self._cursors.encode(_SCOPE, [*after, int(time.time()) // _DAY])
        return ChangesPage([view(row) for row in shown], token if len(rows) > limit else None, token)

    def _place(self, token: str, name: str) -> tuple[int, UUID]:
        xid, app_id, day = msgspec.convert(self._cursors.decode(_SCOPE, token, name), tuple[int, UUID, int])
        if day < int(time.time()) // _DAY - KEPT_DAYS:
            raise ChangesTooOld
        return xid, app_id

    async def _before(self, moment: datetime) -> tuple[int, UUID]:
        if moment < datetime.now(UTC) - timedelta(days=KEPT_DAYS):
            raise ChangesTooOld
        return await self._apps.first_change(moment) - 1, _LAST_ID


def _moment(since: str) -> datetime | None:
    """The time that ``since`` names (RFC 3339, or a date), if it does; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(since)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
