"""The SQL that readers wait for: rows straight from asyncpg, without a session, each statement its own snapshot."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import BigInteger, String, and_, bindparam, func, literal_column, or_, select, tuple_
from sqlalchemy.sql.elements import ColumnElement

from catalog_service.repositories.app_rows import APPS, SORT_COLUMNS, AppFilter, Position, app
from catalog_service.repositories.compiled import Sql, compiled
from catalog_service.repositories.search import finds_all_words
from catalog_service.schemas import Sort

Record: TypeAlias = Sequence[Any]  # asyncpg.Record, in the order of AppOut's fields

_BY_ID = compiled(APPS.where(app.c.id == bindparam("app_id", type_=app.c.id.type)))
_BY_PACKAGE = compiled(APPS.where(app.c.package_name == bindparam("package_name", type_=String)))
_CATEGORIES = "SELECT id, slug, name FROM category ORDER BY position, slug"
_PRICES = """
    SELECT * FROM (
        SELECT points, lag(points) OVER (ORDER BY changed_at, id) AS previous_points, changed_by, changed_at, id
        FROM app_price WHERE app_id = $1
    ) AS prices
    WHERE $2::timestamptz IS NULL OR (changed_at, id) < ($2, $3::uuid)
    ORDER BY changed_at DESC, id DESC LIMIT $4
"""
_CATEGORY = "SELECT id, parent_id FROM category WHERE slug = $1"


class AppReads:
    """Reads apps on connections of a pool."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def page(self, which: AppFilter, sort: Sort, after: Position | None, limit: int) -> list[Record]:
        """At most ``limit`` apps of this sort that come after the position of another one.

        The last field of a row is its sort key.
        """
        values = _given(which) | {"limit": limit}
        if after is not None:
            values |= {"after_key": after[0], "after_id": after[1]}
        sql = _page_sql(which.status, sort, frozenset(values))
        rows: list[Record] = await self._pool.fetch(sql.text, *sql.arguments(values))
        return rows

    async def get(self, app_id: UUID) -> Record | None:
        """The app of this id, whatever its status."""
        row: Record | None = await self._pool.fetchrow(_BY_ID.text, app_id)
        return row

    async def get_by_package(self, package_name: str) -> Record | None:
        """The app of this package, whatever its status."""
        row: Record | None = await self._pool.fetchrow(_BY_PACKAGE.text, package_name)
        return row

    async def counts(self, which: AppFilter) -> list[tuple[UUID, UUID | None, int]]:
        """How many apps each pair of category and subcategory has."""
        values = _given(which)
        sql = _count_sql(which.status, frozenset(values))
        return [tuple(row) for row in await self._pool.fetch(sql.text, *sql.arguments(values))]

    async def categories(self) -> list[tuple[UUID, str, str]]:
        """Every category of both levels as it is shown: id, slug and name."""
        return [tuple(row) for row in await self._pool.fetch(_CATEGORIES)]

    async def prices(self, app_id: UUID, before: tuple[datetime, UUID] | None, limit: int) -> list[Record]:
        """What the app was ever worth, newest first, each with the price before it."""
        at, price_id = before or (None, None)
        rows: list[Record] = await self._pool.fetch(_PRICES, app_id, at, price_id, limit)
        return rows

    async def category(self, slug: str) -> tuple[UUID, UUID | None] | None:
        """The id of a category of either level, and its parent's."""
        row = await self._pool.fetchrow(_CATEGORY, slug)
        return None if row is None else tuple(row)


def _given(which: AppFilter) -> dict[str, Any]:
    """The filters that are set; they decide on the statement, their values do not."""
    names = ("words", "category_id", "subcategory_id", "min_points", "max_points")
    given = {name: value for name in names if (value := getattr(which, name)) is not None}
    return given | {"offered_now": True} if which.offered_now else given


@cache
def _page_sql(status: str, sort: Sort, given: frozenset[str]) -> Sql:
    name, downwards = SORT_COLUMNS[sort]
    key = (app.c[name], app.c.id)
    statement = APPS.where(*_conditions(status, given)).add_columns(app.c[name].label("sort_key"))
    statement = statement.order_by(*(column.desc() if downwards else column.asc() for column in key))
    if "after_id" in given:
        after = (bindparam("after_key", type_=app.c[name].type), bindparam("after_id", type_=app.c.id.type))
        pair, position = tuple_(*key), tuple_(*after)
        statement = statement.where(pair < position if downwards else pair > position)
    return compiled(statement.limit(bindparam("limit", type_=BigInteger)))


def _conditions(status: str, given: frozenset[str]) -> list[ColumnElement[bool]]:
    """This status, and all the ``given`` filters; the value of each is a parameter of its name."""
    conditions: dict[str, ColumnElement[bool]] = {
        "offered_now": and_(
            or_(app.c.available_from.is_(None), app.c.available_from <= func.now()),
            or_(app.c.available_until.is_(None), app.c.available_until > func.now()),
        ),
        "words": finds_all_words(app.c.search, bindparam("words", type_=String)),
        "category_id": app.c.category_id == bindparam("category_id", type_=app.c.id.type),
        "subcategory_id": app.c.subcategory_id == bindparam("subcategory_id", type_=app.c.id.type),
        "min_points": app.c.points >= bindparam("min_points", type_=BigInteger),
        "max_points": app.c.points <= bindparam("max_points", type_=BigInteger),
    }
    chosen = [condition for name, condition in conditions.items() if name in given]
    # The status is written out, as that is how the planner finds the partial indexes.
    return [app.c.status == literal_column(f"'{status}'", String), *chosen]


@cache
def _count_sql(status: str, given: frozenset[str]) -> Sql:
    pair = (app.c.category_id, app.c.subcategory_id)
    return compiled(select(*pair, func.count()).where(*_conditions(status, given)).group_by(*pair))
