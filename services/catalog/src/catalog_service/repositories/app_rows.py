"""What an app looks like to its readers, as rows with the fields of ``AppOut``, and which apps a list shows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import FromClause, Row, Select, String, Table, Text, cast, literal_column, select

from catalog_service.models import Base
from catalog_service.schemas import Sort, Status

app: Table = Base.metadata.tables["app"]
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
    "relevance": ("rank", True),  # no column: it depends on the words
}

AppRow: TypeAlias = Row[*tuple[Any, ...]]
Position: TypeAlias = tuple[int | float | str | datetime, UUID]


@dataclass(frozen=True, slots=True)
class CategoryFilter:
    """One category of either level."""

    id: UUID
    slug: str
    upper: bool


@dataclass(frozen=True, slots=True)
class AppFilter:
    """Which apps a list shows."""

    status: Status
    offered_now: bool = False
    words: str | None = None
    languages: tuple[str, ...] = ()  # in which the words are looked for, beside each app's own
    category: CategoryFilter | None = None
    min_points: int | None = None
    max_points: int | None = None


def apps_from(source: FromClause) -> Select[*tuple[Any, ...]]:
    """The fields of ``AppOut`` in their order, of the table of apps or of rows that look like it."""
    row = source.c
    apps, icon, webp = (literal_column(text, String) for text in ("'/api/v1/apps/'", "'/icon/'", "'.webp'"))
    return (
        select(
            *(row[name] for name in ("id", "package_name", "name", "summary", "description")),
            (literal_column(f"'{STORE_LINK}'", String) + row.package_name).label("store_url"),
            (apps + cast(row.id, Text) + icon + row.icon_sha256 + webp).label("icon_url"),
            _upper.c.slug.label("category"),
            _lower.c.slug.label("subcategory"),
            *(row[name] for name in ("points", "status", "max_completions", "created_at", "updated_at")),
            *(row[name] for name in ("max_completions_per_day", "available_from", "available_until")),
            *(row[name] for name in ("more_categories", "locale")),
        )
        .select_from(source)
        .join(_upper, _upper.c.id == row.category_id)
        .outerjoin(_lower, _lower.c.id == row.subcategory_id)
    )


APPS = apps_from(app)
