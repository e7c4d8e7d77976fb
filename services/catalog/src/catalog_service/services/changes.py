"""The feed of changes: what a client that keeps a copy of the catalogue has missed."""

import time
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


class ChangesFeed:
    """Hands out each app at the place of its last change, so that a copy is right when the end is reached."""

    def __init__(self, apps: AppReads, cursors: Cursors) -> None:
        self._apps = apps
        self._cursors = cursors

    async def page(self, since: str | None, limit: int) -> ChangesPage:
        """What changed after ``since``; from the beginning without it.

        Raises:
            InvalidCursor: ``since`` is not one that this feed gave.
            ChangesTooOld: it is older than ``KEPT_DAYS``, or its place lies ahead of this database, which must then
                be an older copy.
        """
        after = _BEGINNING if since is None else self._place(since)
        rows = await self._apps.changes(after, limit + 1)
        shown = rows[:limit]
        if shown:
            after = (shown[-1][-1], shown[-1][0])
        elif after[0] >= await self._apps.next_transaction():
            raise ChangesTooOld
        # The day, not the second: what does not change keeps its ETag.
        token = self._cursors.encode(_SCOPE, [*after, int(time.time()) // _DAY])
        return ChangesPage([view(row) for row in shown], token if len(rows) > limit else None, token)

    def _place(self, since: str) -> tuple[int, UUID]:
        xid, app_id, day = msgspec.convert(self._cursors.decode(_SCOPE, since), tuple[int, UUID, int])
        if day < int(time.time()) // _DAY - KEPT_DAYS:
            raise ChangesTooOld
        return xid, app_id
