"""What changed on the lists, for clients that keep a copy."""

from datetime import UTC, datetime

from isin_worker.repositories.changes import ChangeRepository
from isin_worker.schemas import ChangeOut, ChangesPage
from servicekit.pagination import Cursors
from servicekit.problems import InvalidCursor

_SCOPE = "isin-changes"


class ChangeService:
    """Tells changes in the order in which they became visible, so that none is ever missed or told twice."""

    def __init__(self, changes: ChangeRepository, cursors: Cursors) -> None:
        self._changes = changes
        self._cursors = cursors

    async def page(self, since: str | None, *, feed: str | None, limit: int) -> ChangesPage:
        """Changes after ``since``: what the last answer gave, or a date or time; without it from the beginning.

        Raises InvalidCursor for anything else.
        """
        after = await self._place(since) if since else 0
        rows = await self._changes.page(after=after, feed=feed, limit=limit + 1)
        shown, more = rows[:limit], len(rows) > limit
        here = self._cursors.encode(_SCOPE, [shown[-1].id if shown else after])
        items = [ChangeOut.model_validate(row) for row in shown]
        return ChangesPage(items=items, next_cursor=here if more else None, since=here)

    async def _place(self, since: str) -> int:
        moment = _moment(since)
        if moment is not None:
            return await self._changes.before(moment)
        (place,) = self._cursors.decode(_SCOPE, since)
        if not isinstance(place, int):
            raise InvalidCursor
        return place


def _moment(since: str) -> datetime | None:
    """The time that ``since`` names (RFC 3339, or a date), if it does; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(since)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
