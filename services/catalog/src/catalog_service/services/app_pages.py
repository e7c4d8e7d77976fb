"""Lists of apps, page by page."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from catalog_service.repositories.apps import SORT_COLUMNS, AppFilter, AppRepository, Position
from catalog_service.repositories.categories import CategoryRepository
from catalog_service.schemas import AppOut, AppQuery, Sort
from servicekit.pagination import Cursors
from servicekit.problems import FieldProblem, RuleViolation
from servicekit.schemas import Page

_KEY_TYPES: dict[Sort, Any] = {
    "-points": tuple[int, UUID],
    "points": tuple[int, UUID],
    "name": tuple[str, UUID],
    "-created_at": tuple[datetime, UUID],
}


class AppPages:
    """Reads one page of a list after the other."""

    def __init__(self, apps: AppRepository, categories: CategoryRepository, cursors: Cursors) -> None:
        self._apps = apps
        self._categories = categories
        self._cursors = cursors

    async def page(self, query: AppQuery) -> Page[AppOut]:
        """The page that the query asks for: published apps unless it names another status.

        Raises:
            InvalidCursor: the cursor is of another list, or made up.
            RuleViolation: there is no such category.
        """
        after = self._position(query)
        # One more than asked for tells whether there is a next page.
        rows = await self._apps.page(await self._filter(query), query.sort, after, query.limit + 1)
        shown = rows[: query.limit]
        cursor = None
        if len(rows) > query.limit:
            last = shown[-1]
            key = getattr(last, SORT_COLUMNS[query.sort][0])
            cursor = self._cursors.encode(_scope(query), [key, last.id])
        return Page(items=[AppOut.model_validate(row) for row in shown], next_cursor=cursor)

    def _position(self, query: AppQuery) -> Position | None:
        if query.cursor is None:
            return None
        raw = self._cursors.decode(_scope(query), query.cursor)
        position: Position = msgspec.convert(raw, _KEY_TYPES[query.sort])
        return position

    async def _filter(self, query: AppQuery) -> AppFilter:
        category_id, subcategory_id = await self._category(query.category)
        return AppFilter(
            status=query.status or "published",
            words=query.q or None,
            category_id=category_id,
            subcategory_id=subcategory_id,
            min_points=query.min_points,
            max_points=query.max_points,
        )

    async def _category(self, slug: str | None) -> tuple[UUID | None, UUID | None]:
        if slug is None:
            return None, None
        found = await self._categories.any_level(slug)
        if found is None:
            fault = FieldProblem(pointer="/query/category", code="unknown-category", detail="There is no such category")
            raise RuleViolation(errors=[fault])
        return (found.id, None) if found.parent_id is None else (None, found.id)


def _scope(query: AppQuery) -> str:
    """What a cursor is bound to: the list, its filters and its sort, whatever the size of a page."""
    return "apps?" + query.model_dump_json(exclude={"limit", "cursor"})
