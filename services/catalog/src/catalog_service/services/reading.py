"""What anybody reads: single apps, and lists page by page."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import msgspec

from catalog_service.repositories.app_reads import AppReads, Record
from catalog_service.repositories.app_rows import AppFilter, CategoryFilter, Position
from catalog_service.schemas import AppQuery, PriceOut, Sort
from catalog_service.services.app_views import AppsPage, AppView, view
from catalog_service.services.languages import best, language
from catalog_service.services.spelling import corrections
from servicekit.pagination import Cursors
from servicekit.problems import FieldProblem, NotFound, RuleViolation
from servicekit.schemas import Page

Languages: TypeAlias = Sequence[str]  # ranges in lower case, the best first

MOST_LANGUAGES = 3  # in which words are looked for

_KEY_TYPES: dict[Sort, Any] = {
    "-points": tuple[int, UUID, str | None],
    "points": tuple[int, UUID, str | None],
    "name": tuple[str, UUID, str | None],
    "-created_at": tuple[datetime, UUID, str | None],
    "relevance": tuple[float, UUID, str | None],
}


class AppReader:
    """Reads apps, and one page of a list after the other."""

    def __init__(self, apps: AppReads, cursors: Cursors) -> None:
        self._apps = apps
        self._cursors = cursors

    async def get(self, app_id: UUID, *, drafts: bool, languages: Languages = ()) -> AppView:
        """The app in the best of these languages. Raises NotFound.

        Archived ones too, so that their tasks can say what they were for.
        """
        return await self._translated(_visible(await self._apps.get(app_id), drafts=drafts), languages)

    async def get_by_package(self, package_name: str, *, drafts: bool, languages: Languages = ()) -> AppView:
        """As ``get``, by package name."""
        return await self._translated(_visible(await self._apps.get_by_package(package_name), drafts=drafts), languages)

    async def page(self, query: AppQuery, languages: Languages = ()) -> AppsPage:
        """The page that the query asks for: published apps unless it names another status.

        Raises:
            InvalidCursor: the cursor is of another list, or made up.
            RuleViolation: there is no such category.
        """
        if query.sort == "relevance" and not query.q:
            fault = FieldProblem(pointer="/query/sort", code="relevance", detail="relevance needs q")
            raise RuleViolation(errors=[fault])
        after, words = self._position(query)
        which = await self._filter(query, words, languages)
        # One more than asked for tells whether there is a next page.
        rows = await self._apps.page(which, query.sort, after, query.limit + 1)
        if not rows and which.words is not None and after is None:
            rows, which = await self._corrected(which, query)
        shown = rows[: query.limit]
        cursor = None
        if len(rows) > query.limit:
            last = shown[-1]
            cursor = self._cursors.encode(_scope(query), [last[-1], last[0], which.words])
        page = AppsPage([view(row) for row in shown], cursor)
        if which.words is not None and which.words != query.q:
            page.corrected_q = which.words
        await self._translate(page.items, languages)
        if query.facets:
            page.facets = {"categories": await self._count(which)}
        return page

    async def _translated(self, app: AppView, languages: Languages) -> AppView:
        await self._translate([app], languages)
        return app

    async def _translate(self, apps: list[AppView], ranges: Languages) -> None:
        if all(ranges[:1] == [app.locale] for app in apps) or not ranges:
            return
        texts: dict[UUID, dict[str, tuple[str, str, str]]] = {app.id: {} for app in apps}
        for app_id, locale, *text in await self._apps.texts(list(texts), [language(tag) for tag in ranges]):
            texts[app_id][locale] = (text[0], text[1], text[2])
        for app in apps:
            locale = best(app.locale, texts[app.id], list(ranges))
            if locale != app.locale:
                app.name, app.summary, app.description = texts[app.id][locale]
                app.locale = locale

    async def _count(self, which: AppFilter) -> list[dict[str, str | int]]:
        counted = await self._apps.counts(which)
        return [{"category": slug, "name": name, "count": count} for slug, name, count in counted]

    async def prices(self, app_id: UUID, cursor: str | None, limit: int) -> Page[PriceOut]:
        """What the app was ever worth, newest first. Raises NotFound and InvalidCursor."""
        await self.get(app_id, drafts=True)
        scope = f"prices?{app_id}"
        before = msgspec.convert(self._cursors.decode(scope, cursor), tuple[datetime, UUID]) if cursor else None
        rows = await self._apps.prices(app_id, before, limit + 1)
        following = None
        if len(rows) > limit:
            last = rows[limit - 1]
            following = self._cursors.encode(scope, [last["changed_at"], last["id"]])  # type: ignore[call-overload]
        return Page(items=[PriceOut(**dict(row)) for row in rows[:limit]], next_cursor=following)

    async def _corrected(self, which: AppFilter, query: AppQuery) -> tuple[list[Record], AppFilter]:
        """What is found for the words that may have been meant, when none of the catalogue is spelt like them."""
        for words in corrections(which.words or "", await self._apps.misspelt(which.words or "")):
            meant = replace(which, words=words)
            if rows := await self._apps.page(meant, query.sort, None, query.limit + 1):
                return rows, meant
        return [], which

    def _position(self, query: AppQuery) -> tuple[Position | None, str | None]:
        """Where the page begins, and the words that the first page found something for."""
        if query.cursor is None:
            return None, query.q or None
        raw = self._cursors.decode(_scope(query), query.cursor)
        key, app_id, words = msgspec.convert(raw, _KEY_TYPES[query.sort])
        return (key, app_id), words

    async def _filter(self, query: AppQuery, words: str | None, ranges: Languages) -> AppFilter:
        return AppFilter(
            status=query.status or "published",
            offered_now=query.status is None,
            words=words,
            languages=tuple(dict.fromkeys(language(tag) for tag in ranges))[:MOST_LANGUAGES],
            category=await self._category(query.category),
            min_points=query.min_points,
            max_points=query.max_points,
        )

    async def _category(self, slug: str | None) -> CategoryFilter | None:
        if slug is None:
            return None
        found = await self._apps.category(slug)
        if found is None:
            fault = FieldProblem(pointer="/query/category", code="unknown-category", detail="There is no such category")
            raise RuleViolation(errors=[fault])
        return found


def _visible(row: Record | None, *, drafts: bool) -> AppView:
    app = None if row is None else view(row)
    if app is None or (app.status == "draft" and not drafts):
        raise NotFound("There is no such app.")
    return app


def _scope(query: AppQuery) -> str:
    """What a cursor is bound to: the list, its filters and its sort, whatever the size of a page."""
    return "apps?" + query.model_dump_json(exclude={"limit", "cursor", "facets"})
