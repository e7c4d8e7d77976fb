"""What changed on the lists, for clients that keep a copy."""

from datetime import UTC, datetime

from isin_worker.repositories.changes import ChangeRepository
from isin_worker.schemas import ChangeOut, ChangesPage
from servicekit.pagination import Cursors

_SCOPE = "isin-changes"


class ChangeService:
    """Tells changes in the order in which they became visible, so that none is ever missed or told twice."""

    def __init__(self, changes: ChangeRepository, cursors: Cursors) -> None:
        self._changes = changes
        self._cursors = cursors

    async def page(self, *, since: str | None, cursor: str | None, feed: str | None, limit: int) -> ChangesPage:
        """Changes after ``cursor`` or ``since``: what the last answer gave, or for ``since`` a date or time.

        From the beginning without them. Raises InvalidCursor for anything else.
        """
        moment = _moment(since) if since and not cursor else None
        after = self._place(cursor, since) if moment is None else await self._changes.before(moment)
        rows = await self._changes.page(after=after, feed=feed, limit=limit + 1)
        shown, more = rows[:limit], len(rows) > limit
        here = self._cursors.encode(_SCOPE, [shown[-1].id if shown else after])
        items = [ChangeOut.model_validate(row) for row in shown]
        return ChangesPage(items=items, next_cursor=here if more else None, since=here)

    def _place(self, cursor: str | None, since: str | None) -> int:
        token = cursor or since
        place: int = self._cursors.decode(_SCOPE, token, "cursor" if cursor else "since")[0] if token else 0
        return place


def _moment(since: str) -> datetime | None:
    """The time that ``since`` names (RFC 3339, or a date), if it does; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(since)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
