"""The SQL that adds an app with its first price and its line in the audit: one statement, and so one transaction.

It goes to asyncpg as it is: through a session it would be seven statements, each built anew, and three times the work.
"""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import (
    ARRAY,
    Select,
    String,
    Table,
    Text,
    Uuid,
    any_,
    bindparam,
    func,
    insert,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as insert_or_skip
from sqlalchemy.sql.selectable import CTE

from catalog_service.models import Base
from catalog_service.repositories.app_reads import Record
from catalog_service.repositories.app_rows import app, apps_from
from catalog_service.repositories.compiled import Sql, compiled
from servicekit.db import Database

_category: Table = Base.metadata.tables["category"]
_TEXTS = ("package_name", "name", "summary", "description", "locale")
_LIMITS = ("points", "max_completions", "max_completions_per_day", "available_from", "available_until")
_GENERATED = ("sort_name", "translated", "search")


def _held(found: Select[*tuple[Any, ...]], name: str) -> CTE:
    """Until the end of the transaction nobody can delete these categories."""
    return found.with_for_update(read=True, key_share=True).cte(name)


def _insert() -> Sql:
    slug, parent = _category.c.slug, _category.c.parent_id
    upper = _held(select(_category.c.id).where(slug == bindparam("category", type_=Text), parent.is_(None)), "upper")
    upper_id = select(upper.c.id).scalar_subquery()
    lower = _held(
        select(_category.c.id).where(slug == bindparam("subcategory", type_=Text), parent == upper_id), "lower"
    )
    more = bindparam("more_categories", type_=ARRAY(Text))
    further = _held(select(slug).where(slug == any_(more)), "further")

    by = bindparam("by", type_=Uuid)
    values = {
        **{name: bindparam(name, type_=app.c[name].type) for name in (*_TEXTS, *_LIMITS)},
        "category_id": upper.c.id,
        "subcategory_id": select(lower.c.id).scalar_subquery(),
        "more_categories": more,
        "status": literal_column("'draft'", String),
        "created_by": by,
        "changed_by": by,
    }
    row = select(*(value.label(name) for name, value in values.items())).where(
        or_(bindparam("subcategory", type_=Text).is_(None), select(lower.c.id).exists()),
        select(func.count()).select_from(further).scalar_subquery() == func.cardinality(more),
    )
    made = (
        insert_or_skip(app)
        .from_select([*values], row)
        .on_conflict_do_nothing(index_elements=["package_name"])
        .returning(*(column for column in app.c if column.name not in _GENERATED))
        .cte("made")
    )
    tables = Base.metadata.tables
    price = select(made.c.id, made.c.points, by, made.c.created_at)
    priced = insert(tables["app_price"]).from_select(["app_id", "points", "changed_by", "changed_at"], price)
    note = select(
        made.c.id, literal_column("'create'", String), bindparam("fields", type_=JSONB), by, made.c.created_at
    )
    noted = insert(tables["admin_change"]).from_select(
        ["subject_id", "action", "fields", "changed_by", "changed_at"], note
    )
    return compiled(apps_from(made).add_cte(priced.cte("priced"), noted.cte("noted")))


_INSERT = _insert()
_PARENTS = """
    SELECT child.slug, parent.slug FROM category AS child LEFT JOIN category AS parent ON parent.id = child.parent_id
    WHERE child.slug = ANY($1::text[])
"""


class AppInserts:
    """Adds apps on connections that the engine lends."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, values: dict[str, Any], noted: dict[str, Any], *, by: UUID) -> Record | None:
        """A new draft, in the order of ``AppOut``'s fields. None when the package is there, or a category is not.

        ``values``: the fields of ``AppCreate``; ``noted``: what the audit says of them.
        """
        arguments = _INSERT.arguments(values | {"fields": msgspec.json.encode(noted).decode(), "by": by})
        async with self._database.statement() as connection:
            row: Record | None = await connection.fetchrow(_INSERT.text, *arguments)
        return row

    async def parents(self, slugs: list[str]) -> dict[str, str | None]:
        """Those of the categories that exist, each with the one above it."""
        async with self._database.statement() as connection:
            return dict(await connection.fetch(_PARENTS, slugs))
