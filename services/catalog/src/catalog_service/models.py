"""The tables of the catalogue."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from servicekit.db import new_metadata

MAX_POINTS = 1_000_000
MAX_PACKAGE_NAME = 223
STATUSES = ("draft", "published", "archived")

SEPARATORS = "[[:punct:][:space:][:cntrl:]]+"  # what stands between two words, for Postgres and the collation pg_c_utf8

_PUBLISHED = text("status = 'published'")
# Written as Postgres gives it back, so that a comparison of models and database can hold the two against each other.
# Punctuation goes first: the parser would take "K-9" for a negative number and "node.js" for the name of a host.
_WORDS = f"regexp_replace(({{column}} COLLATE pg_c_utf8), '{SEPARATORS}'::text, ' '::text, 'g'::text)"
_SEARCH = " || ".join(
    f"setweight(to_tsvector('simple'::regconfig, {_WORDS.format(column=column)}), '{weight}'::\"char\")"
    for column, weight in (("name", "A"), ("package_name", "B"), ("summary", "C"))
)
# Words that begin with a colon: the ids of its categories, and its texts in further languages (see migration 0009).
_SEARCH += " || category_words(category_id, subcategory_id, more_categories) || translated"
_PLACED = text("more_categories <> '{}'::text[]")
_LOCALE_FORM = "locale ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$' AND length(locale) <= 35"
_SORT_NAME = "lower((name COLLATE pg_c_utf8))"


class Base(SQLModel, registry=registry(metadata=new_metadata())):
    """The tables of this service: their metadata is its own, though several services may share a process."""


class Category(Base, table=True):
    """A node of a tree of two levels: the upper ones have no parent. Slugs are unique in the whole tree."""

    __table_args__ = (
        UniqueConstraint("slug"),
        UniqueConstraint("id", "parent_id"),  # what an app's pair of category and subcategory refers to
        ForeignKeyConstraint(["parent_id"], ["category.id"]),
        CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name="slug_form"),
        CheckConstraint("parent_id <> id", name="not_its_own_parent"),
    )

    id: UUID = Field(primary_key=True, sa_column_kwargs={"server_default": text("uuidv7()")})
    parent_id: UUID | None
    slug: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    position: int


class App(Base, table=True):
    """An app that people can earn points with. Never erased: archived instead."""

    __table_args__ = (
        UniqueConstraint("package_name"),
        ForeignKeyConstraint(["category_id"], ["category.id"]),
        # Holds only where there is a subcategory, and then it is a child of the category.
        ForeignKeyConstraint(["subcategory_id", "category_id"], ["category.id", "category.parent_id"]),
        CheckConstraint(
            rf"package_name ~ '^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)+$'"
            f" AND length(package_name) <= {MAX_PACKAGE_NAME}",
            name="package_name_form",
        ),
        CheckConstraint("name <> ''", name="name_not_empty"),
        CheckConstraint(f"points BETWEEN 1 AND {MAX_POINTS}", name="points_range"),
        CheckConstraint("max_completions >= 1", name="max_completions_positive"),
        CheckConstraint("max_completions_per_day >= 1", name="max_per_day_positive"),
        CheckConstraint(_LOCALE_FORM, name="locale_form"),
        CheckConstraint("icon_sha256 ~ '^[0-9a-f]{64}$'", name="icon_sha256_form"),
        CheckConstraint("available_from < available_until", name="window_order"),
        CheckConstraint(f"status IN {STATUSES}", name="status_known"),
        # One index serves a sort in both directions; the list that everybody reads shows what is published.
        Index("ix_app_points", "points", "id", postgresql_where=_PUBLISHED),
        Index("ix_app_sort_name", "sort_name", "id", postgresql_where=_PUBLISHED),
        Index("ix_app_created_at", "created_at", "id", postgresql_where=_PUBLISHED),
        Index("ix_app_category_points", "category_id", "points", "id", postgresql_where=_PUBLISHED),
        Index("ix_app_subcategory_points", "subcategory_id", "points", "id", postgresql_where=_PUBLISHED),
        Index("ix_app_changed_xid", "changed_xid", "id", postgresql_where=text("status <> 'draft'")),
        Index("ix_app_more_categories", "more_categories", postgresql_using="gin", postgresql_where=_PLACED),
        Index("ix_app_search", "search", postgresql_using="gin"),
    )

    id: UUID = Field(primary_key=True, sa_column_kwargs={"server_default": text("uuidv7()")})
    package_name: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    summary: str = Field(sa_type=Text)
    description: str = Field(sa_type=Text)
    # Which language the three texts are in.
    locale: str = Field(sa_type=Text, sa_column_kwargs={"server_default": text("'en'")})
    icon_sha256: str | None = Field(sa_type=Text)
    content_sha256: str | None = Field(sa_type=Text)  # of the texts that the last import brought
    category_id: UUID
    subcategory_id: UUID | None
    # Slugs, as they never change: a list need not look them up. What they name is kept from deletion by the service.
    more_categories: list[str] = Field(sa_type=ARRAY(Text), sa_column_kwargs={"server_default": text("'{}'::text[]")})
    points: int = Field(sa_type=BigInteger)
    max_completions: int | None = Field(sa_type=BigInteger)
    max_completions_per_day: int | None = Field(sa_type=BigInteger)
    available_from: datetime | None = Field(sa_type=DateTime(timezone=True))
    available_until: datetime | None = Field(sa_type=DateTime(timezone=True))
    status: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": text("now()")})
    updated_at: datetime = Field(sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": text("now()")})
    created_by: UUID
    changed_by: UUID
    changed_xid: int = Field(sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})  # set by a trigger
    sort_name: str = Field(sa_type=Text(collation="C"), sa_column_args=[Computed(_SORT_NAME, persisted=True)])
    # The words of its texts in further languages; triggers of ``app_text`` set it.
    translated: str = Field(sa_type=TSVECTOR, sa_column_kwargs={"server_default": text("''::tsvector")})
    search: str = Field(sa_type=TSVECTOR, sa_column_args=[Computed(_SEARCH, persisted=True)])


class AppText(Base, table=True):
    """The texts of an app in one more language."""

    __tablename__: ClassVar[str] = "app_text"
    __table_args__ = (
        ForeignKeyConstraint(["app_id"], ["app.id"]),
        CheckConstraint(_LOCALE_FORM, name="locale_form"),
        CheckConstraint("name <> ''", name="name_not_empty"),
    )

    app_id: UUID = Field(primary_key=True)
    locale: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(sa_type=Text)
    summary: str = Field(sa_type=Text)
    description: str = Field(sa_type=Text)


class AppPrice(Base, table=True):
    """What an app was worth from a moment on, and who said so. Rows are only ever added."""

    __tablename__: ClassVar[str] = "app_price"
    __table_args__ = (
        ForeignKeyConstraint(["app_id"], ["app.id"]),
        CheckConstraint(f"points BETWEEN 1 AND {MAX_POINTS}", name="points_range"),
        Index("ix_app_price_app_id", "app_id", "changed_at"),
    )

    id: UUID = Field(primary_key=True, sa_column_kwargs={"server_default": text("uuidv7()")})
    app_id: UUID
    points: int = Field(sa_type=BigInteger)
    changed_by: UUID
    changed_at: datetime = Field(sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": text("now()")})


class AdminChange(Base, table=True):
    """What an administrator did to an app or a category, or by an import: each field, from what to what."""

    __tablename__: ClassVar[str] = "admin_change"
    __table_args__ = (
        Index("ix_admin_change_subject_id", "subject_id", "changed_at", "id"),
        Index("ix_admin_change_changed_at", "changed_at", "id"),
    )

    id: UUID = Field(primary_key=True, sa_column_kwargs={"server_default": text("uuidv7()")})
    subject_id: UUID
    action: str = Field(sa_type=Text)
    fields: dict[str, Any] = Field(sa_type=JSONB)
    changed_by: UUID
    changed_at: datetime = Field(sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": text("now()")})


def _count() -> Any:
    return Field(sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})


class ImportJob(Base, table=True):
    """An import. Whoever runs it renews its lease; one whose lease is over was interrupted, and changed nothing."""

    __tablename__: ClassVar[str] = "import_job"
    __table_args__ = (CheckConstraint("status IN ('running', 'succeeded', 'failed')", name="status_known"),)

    id: UUID = Field(primary_key=True, sa_column_kwargs={"server_default": text("uuidv7()")})
    format: str = Field(sa_type=Text)
    dry_run: bool
    status: str = Field(sa_type=Text)
    total: int = _count()
    created: int = _count()
    updated: int = _count()
    unchanged: int = _count()
    rejected: int = _count()
    errors: list[Any] = Field(sa_type=JSONB, sa_column_kwargs={"server_default": text("'[]'::jsonb")})
    detail: str | None = Field(sa_type=Text)
    created_by: UUID
    created_at: datetime = Field(sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": text("now()")})
    finished_at: datetime | None = Field(sa_type=DateTime(timezone=True))
    leased_until: datetime = Field(sa_type=DateTime(timezone=True))


class SearchWord(Base, table=True):
    """A word that stands in an app, with its deletion neighbourhood. Triggers of ``app`` put it here."""

    __tablename__: ClassVar[str] = "search_word"
    __table_args__ = (Index("ix_search_word_deletions", "deletions", postgresql_using="gin"),)

    word: str = Field(primary_key=True, sa_type=Text(collation="C"))
    deletions: list[str] = Field(sa_type=ARRAY(Text))
