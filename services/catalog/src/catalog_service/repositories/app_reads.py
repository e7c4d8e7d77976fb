"""The SQL that readers wait for: rows straight from asyncpg, without a session, each statement its own snapshot."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import (
    REAL,
    BigInteger,
    Column,
    String,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.sql.elements import ColumnElement

from catalog_service.models import Base
from catalog_service.repositories.app_rows import APPS, SORT_COLUMNS, AppFilter, CategoryFilter, Position, app
from catalog_service.repositories.compiled import Sql, compiled
from catalog_service.repositories.search import SPELLING, finds_all_words, relevance
from catalog_service.schemas import Sort

Record: TypeAlias = Sequence[Any]  # asyncpg.Record, in the order of AppOut's fields

category: Table = Base.metadata.tables["category"]

STRETCH = 3_000  # apps to look at before the text index is asked: some 10 ms
_LIMIT = bindparam("limit", type_=BigInteger)
# As the index is written, which has only the apps that stand in further categories.
_PLACED_SOMEWHERE = app.c.more_categories != literal_column("'{}'::text[]", ARRAY(Text))
_PLACED = and_(
    app.c.more_categories.contains(cast(array([bindparam("slug", type_=Text)]), ARRAY(Text))), _PLACED_SOMEWHERE
)

_BY_ID = compiled(APPS.where(app.c.id == bindparam("app_id", type_=app.c.id.type)))
_BY_PACKAGE = compiled(APPS.where(app.c.package_name == bindparam("package_name", type_=String)))
# A row may only be passed when no transaction can still commit one before it: every transaction below the horizon has
# ended, so what it did is in the snapshot, and what is above it will come after all that was ever handed out.
_HORIZON = func.pg_snapshot_xmin(func.pg_current_snapshot()).cast(Text).cast(BigInteger)
_CHANGES = compiled(
    APPS.add_columns(app.c.changed_xid)
    .where(
        app.c.status != literal_column("'draft'", String),
        app.c.changed_xid < _HORIZON,
        tuple_(app.c.changed_xid, app.c.id)
        > tuple_(bindparam("xid", type_=BigInteger), bindparam("app_id", type_=app.c.id.type)),
    )
    .order_by(app.c.changed_xid, app.c.id)
    .limit(bindparam("limit", type_=BigInteger))
)
_NEXT_TRANSACTION = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
# With the horizon: what commits after this may have a number below the first that is seen now.
_FIRST_CHANGE = """
    SELECT least(min(changed_xid), pg_snapshot_xmin(pg_current_snapshot())::text::bigint)
    FROM app WHERE status <> 'draft' AND updated_at >= $1
"""
_PRICES = """
    SELECT * FROM (
        SELECT points, lag(points) OVER (ORDER BY changed_at, id) AS previous_points, changed_by, changed_at, id
        FROM app_price WHERE app_id = $1
    ) AS prices
    WHERE $2::timestamptz IS NULL OR (changed_at, id) < ($2, $3::uuid)
    ORDER BY changed_at DESC, id DESC LIMIT $4
"""
_HAS_ICON = "SELECT EXISTS (SELECT FROM app WHERE id = $1 AND icon_sha256 = $2)"
_TEXTS = """
    SELECT app_id, locale, name, summary, description FROM app_text
    WHERE app_id = ANY($1::uuid[]) AND split_part(locale, '-', 1) = ANY($2::text[])
    ORDER BY locale
"""
_CATEGORY = "SELECT id, slug, parent_id IS NULL FROM category WHERE slug = $1"


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
        given = frozenset(values)
        if which.words is None:
            return await self._rows(_page_sql(which.status, sort, given), values)
        if sort != "relevance":
            rows = await self._rows(_walk_sql(which.status, sort, given), values | {"stretch": STRETCH})
            if len(rows) == limit:
                return rows
        return await self._rows(_found_sql(which.status, sort, given), values)

    async def _rows(self, sql: Sql, values: dict[str, Any]) -> list[Record]:
        rows: list[Record] = await self._pool.fetch(sql.text, *sql.arguments(values))
        return rows

    async def misspelt(self, text: str) -> list[tuple[str, list[str]]]:
        """The words of the text with which no word of the catalogue begins, and known ones of their neighbourhood."""
        return [tuple(row) for row in await self._pool.fetch(SPELLING, text)]

    async def get(self, app_id: UUID) -> Record | None:
        """The app of this id, whatever its status."""
        row: Record | None = await self._pool.fetchrow(_BY_ID.text, app_id)
        return row

    async def get_by_package(self, package_name: str) -> Record | None:
        """The app of this package, whatever its status."""
        row: Record | None = await self._pool.fetchrow(_BY_PACKAGE.text, package_name)
        return row

    async def counts(self, which: AppFilter) -> list[tuple[str, str, int]]:
        """How many apps each category of either level has, the filter by category left out: slug, name, count."""
        values = _given(replace(which, category=None))
        sql = _count_sql(which.status, frozenset(values))
        return [tuple(row) for row in await self._pool.fetch(sql.text, *sql.arguments(values))]

    async def texts(self, app_ids: list[UUID], languages: list[str]) -> list[tuple[UUID, str, str, str, str]]:
        """The texts of these apps in these languages, whatever the region: app, locale, name, summary, description."""
        return [tuple(row) for row in await self._pool.fetch(_TEXTS, app_ids, languages)]

    async def has_icon(self, app_id: UUID, sha256: str) -> bool:
        """Whether this is the app's icon at present."""
        found: bool = await self._pool.fetchval(_HAS_ICON, app_id, sha256)
        return found

    async def changes(self, after: tuple[int, UUID], limit: int) -> list[Record]:
        """Apps that were published once, in the order of their last change. The last field of a row is its place."""
        sql = _CHANGES
        values = {"xid": after[0], "app_id": after[1], "limit": limit}
        rows: list[Record] = await self._pool.fetch(sql.text, *sql.arguments(values))
        return rows

    async def first_change(self, moment: datetime) -> int:
        """The number below which no transaction changed an app at ``moment`` or later, or ever will."""
        number: int = await self._pool.fetchval(_FIRST_CHANGE, moment)
        return number

    async def next_transaction(self) -> int:
        """The number that no transaction of this database has reached yet."""
        number: int = await self._pool.fetchval(_NEXT_TRANSACTION)
        return number

    async def prices(self, app_id: UUID, before: tuple[datetime, UUID] | None, limit: int) -> list[Record]:
        """What the app was ever worth, newest first, each with the price before it."""
        at, price_id = before or (None, None)
        rows: list[Record] = await self._pool.fetch(_PRICES, app_id, at, price_id, limit)
        return rows

    async def category(self, slug: str) -> CategoryFilter | None:
        """The category of this slug."""
        row = await self._pool.fetchrow(_CATEGORY, slug)
        return None if row is None else CategoryFilter(*row)


def _given(which: AppFilter) -> dict[str, Any]:
    """The filters that are set; they decide on the statement, their values do not."""
    given = {
        name: value for name in ("words", "min_points", "max_points") if (value := getattr(which, name)) is not None
    }
    if which.words is not None:
        given["languages"] = list(which.languages)
    if which.offered_now:
        given["offered_now"] = True
    if which.category is not None:
        own = "category_id" if which.category.upper else "subcategory_id"
        given |= {own: which.category.id, "slug": which.category.slug}
    return given


@cache
def _page_sql(status: str, sort: Sort, given: frozenset[str]) -> Sql:
    """A list without words: its index gives the order."""
    key, order, after = _order(sort, given)
    conditions = _conditions(status, given) + after
    listed = APPS.add_columns(key.label("sort_key")).order_by(*order).limit(_LIMIT)
    own = _own_category(given)
    if own is None:
        return compiled(listed.where(*conditions))
    # Two lists, each by its own index: an OR between them would leave the planner with neither. What is placed here
    # from elsewhere is few and found first, as the planner would rather walk the whole list for it.
    first = select(app.c.id).where(*conditions, own).order_by(*order).limit(_LIMIT).subquery()
    placed = select(app.c.id, key.label("key")).where(*conditions, _PLACED).cte("placed").prefix_with("MATERIALIZED")
    second = select(placed.c.id).order_by(*_directed(sort, placed.c.key, placed.c.id)).limit(_LIMIT).subquery()
    return compiled(listed.where(app.c.id.in_(union_all(select(first.c.id), select(second.c.id)))))


@cache
def _walk_sql(status: str, sort: Sort, given: frozenset[str]) -> Sql:
    """The words looked for in a stretch of the list only. A page that it fills is right: nothing before it was missed.

    Postgres does not know how common a beginning of a word is, and takes 2 % for it: it would walk the whole list for
    a rare one, or collect half the table for a common one. This walk ends after ``STRETCH`` apps, whatever the word.
    """
    key, order, after = _order(sort, given)
    own = _own_category(given)
    conditions = [*_conditions(status, given - {"words"}), *after]
    walked = select(app.c.id, app.c.search, key.label("key")).where(*conditions, *([] if own is None else [own]))
    stretch = walked.order_by(*order).limit(bindparam("stretch", type_=BigInteger)).subquery("stretch")
    found = select(stretch.c.id).where(finds_all_words(stretch.c.search))
    found = found.order_by(*_directed(sort, stretch.c.key, stretch.c.id)).limit(_LIMIT)
    listed = APPS.add_columns(key.label("sort_key")).order_by(*order)
    if own is None:
        return compiled(listed.where(app.c.id.in_(found)))
    # What is placed here from elsewhere may stand in between; beyond a stretch that is not full, nobody knows.
    mine = found.cte("mine")
    placed = select(app.c.id, app.c.search).where(*conditions, _PLACED).cte("placed").prefix_with("MATERIALIZED")
    others = select(placed.c.id).where(finds_all_words(placed.c.search))
    full = select(func.count()).select_from(mine).scalar_subquery() == _LIMIT
    return compiled(listed.where(app.c.id.in_(union_all(select(mine.c.id), others)), full).limit(_LIMIT))


@cache
def _found_sql(status: str, sort: Sort, given: frozenset[str]) -> Sql:
    """All that the text index finds, then put in order: for words that are rarer than the walk would stand."""
    ranked = sort == "relevance"
    key = relevance(app.c.search) if ranked else app.c[SORT_COLUMNS[sort][0]]
    own = _own_category(given)
    place = [] if own is None else [or_(own, _PLACED)]
    found = select(app.c.id, key.label("key")).where(*_conditions(status, given), *place).cte("found")
    found = found.prefix_with("MATERIALIZED")
    page = select(found.c.id, found.c.key).order_by(*_directed(sort, found.c.key, found.c.id)).limit(_LIMIT)
    if "after_id" in given:
        page = page.where(_behind(sort, found.c.key, found.c.id, REAL() if ranked else key.type))
    shown = page.subquery("page")
    listed = APPS.join(shown, shown.c.id == app.c.id).add_columns(shown.c.key.label("sort_key"))
    return compiled(listed.order_by(*_directed(sort, shown.c.key, shown.c.id)))


def _order(sort: Sort, given: frozenset[str]) -> tuple[Column[Any], list[Any], list[ColumnElement[bool]]]:
    """The key of a sort by a column, its ORDER BY, and the condition that a page after another has."""
    key = app.c[SORT_COLUMNS[sort][0]]
    after = [_behind(sort, key, app.c.id, key.type)] if "after_id" in given else []
    return key, _directed(sort, key, app.c.id), after


def _directed(sort: Sort, *key: ColumnElement[Any]) -> list[Any]:
    return [column.desc() if SORT_COLUMNS[sort][1] else column.asc() for column in key]


def _behind(sort: Sort, key: ColumnElement[Any], key_id: ColumnElement[Any], kind: Any) -> ColumnElement[bool]:
    pair = tuple_(key, key_id)
    position = tuple_(bindparam("after_key", type_=kind), bindparam("after_id", type_=app.c.id.type))
    return pair < position if SORT_COLUMNS[sort][1] else pair > position


def _own_category(given: frozenset[str]) -> ColumnElement[bool] | None:
    for name in ("category_id", "subcategory_id"):
        if name in given:
            return app.c[name] == bindparam(name, type_=app.c.id.type)
    return None


def _conditions(status: str, given: frozenset[str]) -> list[ColumnElement[bool]]:
    """This status, and all the ``given`` filters but the category; the value of each is a parameter of its name."""
    conditions: dict[str, ColumnElement[bool]] = {
        "offered_now": and_(
            or_(app.c.available_from.is_(None), app.c.available_from <= func.now()),
            or_(app.c.available_until.is_(None), app.c.available_until > func.now()),
        ),
        "words": finds_all_words(app.c.search),
        "min_points": app.c.points >= bindparam("min_points", type_=BigInteger),
        "max_points": app.c.points <= bindparam("max_points", type_=BigInteger),
    }
    chosen = [condition for name, condition in conditions.items() if name in given]
    # The status is written out, as that is how the planner finds the partial indexes.
    return [app.c.status == literal_column(f"'{status}'", String), *chosen]


@cache
def _count_sql(status: str, given: frozenset[str]) -> Sql:
    """The apps are gone through once, by pairs of category and subcategory; few stand in further categories."""
    which = _conditions(status, given)
    pair = (app.c.category_id, app.c.subcategory_id)
    pairs = select(*pair, func.count().label("count")).where(*which).group_by(*pair).cte("pairs")
    own = [select(column.label("id"), pairs.c.count) for column in (pairs.c.category_id, pairs.c.subcategory_id)]
    slugs = select(func.unnest(app.c.more_categories).label("slug")).where(*which, _PLACED_SOMEWHERE).subquery()
    further = select(category.c.id, literal(1)).join(slugs, slugs.c.slug == category.c.slug)
    counts = union_all(*own, further).subquery()
    total = func.sum(counts.c.count).cast(BigInteger)
    shown = select(category.c.slug, category.c.name, total).join(counts, counts.c.id == category.c.id)
    return compiled(shown.group_by(category.c.id).order_by(category.c.position, category.c.slug))
