"""The SQL of apps and their prices. Every read gives rows with the fields of ``AppOut``."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import Row, Select, Table, func, insert, literal, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as insert_or_skip
from sqlalchemy.ext.asyncio import AsyncSession

from catalog_service.models import Base
from catalog_service.repositories.search import finds_all_words
from catalog_service.schemas import Sort, Status

app: Table = Base.metadata.tables["app"]
app_price: Table = Base.metadata.tables["app_price"]
_upper = Base.metadata.tables["category"].alias("upper_level")
_lower = Base.metadata.tables["category"].alias("lower_level")

STORE_LINK = "https://play.google.com/store/apps/details?id="

# The column of each sort, and whether it runs downwards. The id comes second, so that no two rows are equal; both run
# the same way, so that one comparison of pairs finds the rest and one index serves both directions.
SORT_COLUMNS: dict[Sort, tuple[str, bool]] = {
    "-points": ("points", True),
    "points": ("points", False),
    "name": ("sort_name", False),
    "-created_at": ("created_at", True),
}

AppRow: TypeAlias = Row[*tuple[Any, ...]]
Position: TypeAlias = tuple[int | str | datetime, UUID]


@dataclass(frozen=True, slots=True)
class AppFilter:
    """Which apps a list shows."""

    status: Status
    words: str | None = None
    category_id: UUID | None = None
    subcategory_id: UUID | None = None
    min_points: int | None = None
    max_points: int | None = None


_APPS = (
    select(
        *(app.c[name] for name in ("id", "package_name", "name", "summary", "description")),
        (literal(STORE_LINK, literal_execute=True) + app.c.package_name).label("store_url"),
        _upper.c.slug.label("category"),
        _lower.c.slug.label("subcategory"),
        *(app.c[name] for name in ("points", "status", "max_completions", "created_at", "updated_at", "sort_name")),
    )
    .join(_upper, _upper.c.id == app.c.category_id)
    .outerjoin(_lower, _lower.c.id == app.c.subcategory_id)
)


class AppRepository:
    """Reads and changes apps inside the transaction of its session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def page(self, which: AppFilter, sort: Sort, after: Position | None, limit: int) -> list[AppRow]:
        """At most ``limit`` apps of this sort that come after the position of another one."""
        name, downwards = SORT_COLUMNS[sort]
        key = (app.c[name], app.c.id)
        statement = _matching(which).order_by(*(column.desc() if downwards else column.asc() for column in key))
        if after is not None:
            pair, position = tuple_(*key), tuple_(*after)
            statement = statement.where(pair < position if downwards else pair > position)
        return list(await self._session.execute(statement.limit(limit)))

    async def get(self, app_id: UUID) -> AppRow | None:
        """The app of this id, whatever its status."""
        return (await self._session.execute(_APPS.where(app.c.id == app_id))).one_or_none()

    async def get_by_package(self, package_name: str) -> AppRow | None:
        """The app of this package, whatever its status."""
        return (await self._session.execute(_APPS.where(app.c.package_name == package_name))).one_or_none()

    async def get_for_change(self, app_id: UUID) -> AppRow | None:
        """As ``get``; until the end of the transaction nobody else can change the app."""
        await self._session.execute(select(app.c.id).where(app.c.id == app_id).with_for_update())
        return await self.get(app_id)

    async def add(self, values: dict[str, Any], *, by: UUID) -> UUID | None:
        """A new draft and its first price. None when the package is there already."""
        statement = (
            insert_or_skip(app)
            .values(**values, status="draft", created_by=by, changed_by=by)
            .on_conflict_do_nothing(index_elements=["package_name"])
            .returning(app.c.id)
        )
        app_id: UUID | None = await self._session.scalar(statement)
        if app_id is not None:
            await self._add_price(app_id, values["points"], by=by)
        return app_id

    async def change(self, app_id: UUID, values: dict[str, Any], *, by: UUID) -> None:
        """Set these columns; a price among them goes into the history too."""
        # Not now(): that is when the transaction began, which can be before the last change was committed.
        changed = {**values, "changed_by": by, "updated_at": func.clock_timestamp()}
        await self._session.execute(update(app).where(app.c.id == app_id).values(**changed))
        if "points" in values:
            await self._add_price(app_id, values["points"], by=by)

    async def _add_price(self, app_id: UUID, points: int, *, by: UUID) -> None:
        row = {"app_id": app_id, "points": points, "changed_by": by, "changed_at": func.clock_timestamp()}
        await self._session.execute(insert(app_price).values(**row))


def _matching(which: AppFilter) -> Select[Any]:
    statement = _APPS.where(app.c.status == literal(which.status, literal_execute=True))  # for the partial indexes
    if which.words is not None:
        statement = statement.where(finds_all_words(app.c.search, which.words))
    if which.category_id is not None:
        statement = statement.where(app.c.category_id == which.category_id)
    if which.subcategory_id is not None:
        statement = statement.where(app.c.subcategory_id == which.subcategory_id)
    if which.min_points is not None:
        statement = statement.where(app.c.points >= which.min_points)
    if which.max_points is not None:
        statement = statement.where(app.c.points <= which.max_points)
    return statement
