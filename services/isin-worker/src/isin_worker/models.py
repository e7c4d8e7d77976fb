"""The tables. ``run`` is the ledger and the schedule, ``publication`` what stands, ``listing`` the lists themselves."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, DateTime, ForeignKey, Identity, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from isin_worker.states import Kind, Status, Trigger
from servicekit.db import new_metadata


class Base(SQLModel, registry=registry(metadata=new_metadata())):
    """The base of this service's tables, with metadata of its own."""


def _one_of(column: str, values: type[StrEnum]) -> str:
    return f"{column} IN ({', '.join(repr(value.value) for value in values)})"


def _now() -> Column[Any]:
    return Column(DateTime(timezone=True), nullable=False, server_default=text("now()"))


def _when() -> Column[Any]:
    return Column(DateTime(timezone=True))


class Run(Base, table=True):
    """The work of one business date of one feed: how it went, who does it, where the list came from.

    The counts are those of the last attempt that got so far: ``rows = valid + quarantined`` and
    ``valid = added + changed + unchanged``; ``removed`` counts what is on the list no more. ``gate`` says which gates a
    list did not pass, and ``released_sha256`` of which one an administrator has said that it may.
    """

    __table_args__ = (
        Index("uq_run_feed_business_date", "feed", "business_date", unique=True),
        Index("ix_run_open", "next_try_at", postgresql_where=text("status IN ('pending', 'running', 'failed')")),
        CheckConstraint(_one_of("status", Status), name="status"),
        CheckConstraint(_one_of("trigger", Trigger), name="trigger"),
        CheckConstraint("(status = 'running') = (owner IS NOT NULL)", name="owner_while_running"),
        CheckConstraint("(owner IS NULL) = (lease_expires_at IS NULL)", name="owner_has_a_lease"),
        CheckConstraint("status <> 'held' OR gate IS NOT NULL", name="held_by_a_gate"),
        CheckConstraint("rows = valid + quarantined AND valid = added + changed + unchanged", name="counts"),
    )

    id: UUID = Field(primary_key=True, sa_column_kwargs={"server_default": text("uuidv7()")})
    feed: str = Field(sa_type=Text)
    business_date: date = Field(sa_type=Date)
    status: str = Field(sa_column=Column(Text, nullable=False, server_default=text("'pending'")))
    trigger: str = Field(sa_type=Text)
    forced: bool = Field(sa_column_kwargs={"server_default": text("false")})
    attempts: int = Field(sa_column_kwargs={"server_default": text("0")})
    next_try_at: datetime = Field(sa_column=_now())
    owner: UUID | None
    lease_expires_at: datetime | None = Field(sa_column=_when())
    error: str | None = Field(sa_type=Text)
    url: str | None = Field(sa_type=Text)
    etag: str | None = Field(sa_type=Text)
    last_modified: str | None = Field(sa_type=Text)
    sha256: str | None = Field(sa_type=Text)
    version: str | None = Field(sa_type=Text)
    parser: str | None = Field(sa_type=Text)
    gate: list[dict[str, Any]] | None = Field(sa_column=Column(JSONB(none_as_null=True)))
    released_sha256: str | None = Field(sa_type=Text)
    bytes: int | None = Field(sa_type=BigInteger)
    rows: int | None = Field(sa_type=BigInteger)
    valid: int | None = Field(sa_type=BigInteger)
    added: int | None = Field(sa_type=BigInteger)
    changed: int | None = Field(sa_type=BigInteger)
    removed: int | None = Field(sa_type=BigInteger)
    unchanged: int | None = Field(sa_type=BigInteger)
    quarantined: int | None = Field(sa_type=BigInteger)
    created_at: datetime = Field(sa_column=_now())
    started_at: datetime | None = Field(sa_column=_when())
    finished_at: datetime | None = Field(sa_column=_when())


class Publication(Base, table=True):
    """What stands of a feed, and the run that confirmed it last. An unchanged list writes this row and its run only.

    ``etag``, ``last_modified``, ``sha256`` and ``version`` (what the publisher calls it) are those of the list that
    stands; they count only for the same ``url`` and the same ``fingerprint`` of the feed's declaration.
    """

    feed: str = Field(primary_key=True, sa_type=Text)
    run_id: UUID = Field(sa_column=Column(ForeignKey("run.id"), nullable=False))
    business_date: date = Field(sa_type=Date)
    confirmed_at: datetime = Field(sa_column=_now())
    url: str = Field(sa_type=Text)
    fingerprint: str = Field(sa_type=Text)
    etag: str | None = Field(sa_type=Text)
    last_modified: str | None = Field(sa_type=Text)
    sha256: str = Field(sa_type=Text)
    version: str | None = Field(sa_type=Text)
    rows: int = Field(sa_type=BigInteger)
    valid: int = Field(sa_type=BigInteger)


class Listing(Base, table=True):
    """An ISIN on a feed's list, for each venue (ISO 10383) where the list tells them apart, else with '' for it.

    ``last_seen`` is null while it stands there: then it is the date of the publication.
    """

    __table_args__ = (
        CheckConstraint("isin ~ '^[A-Z]{2}[A-Z0-9]{9}[0-9]$'", name="isin"),
        CheckConstraint("last_seen >= first_seen", name="seen"),
        Index("ix_listing_isin", "isin"),
        Index(
            "ix_listing_words",
            # Spelt as Postgres gives it back: Alembic compares the texts.
            text(
                "to_tsvector('simple'::regconfig,"
                " (COALESCE(name, ''::text) || ' '::text) || COALESCE(details ->> 'symbol'::text, ''::text))"
            ),
            postgresql_using="gin",
            # Lists of millions of bare codes have nothing to be found by.
            postgresql_where=text("((name IS NOT NULL) OR (details ? 'symbol'::text))"),
        ),
    )

    feed: str = Field(primary_key=True, sa_type=Text)
    isin: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    venue: str = Field(sa_column=Column(Text(collation="C"), primary_key=True, server_default=text("''")))
    name: str | None = Field(sa_type=Text)
    type: str | None = Field(sa_type=Text)
    currency: str | None = Field(sa_type=Text)
    lei: str | None = Field(sa_type=Text)
    details: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'{}'")))
    first_seen: date = Field(sa_type=Date)
    last_seen: date | None = Field(sa_type=Date)


class Change(Base, table=True):
    """The history: one row for each listing that a run added, changed or removed.

    Ids are in the order of commits: whoever writes some holds a lock until its transaction ends. ``run_id`` has no
    foreign key, which would cost more than the rest of a first load of millions.
    """

    __tablename__ = "isin_change"
    __table_args__ = (
        CheckConstraint(_one_of("kind", Kind), name="kind"),
        Index("ix_isin_change_feed", "feed", "id"),
        Index("ix_isin_change_at", "at", postgresql_using="brin"),  # written in its order, so a few kilobytes
    )

    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    run_id: UUID
    feed: str = Field(sa_type=Text)
    isin: str = Field(sa_column=Column(Text(collation="C"), nullable=False))
    venue: str = Field(sa_column=Column(Text(collation="C"), nullable=False, server_default=text("''")))
    kind: str = Field(sa_type=Text)
    at: datetime = Field(sa_column=_now())
    old: dict[str, Any] | None = Field(sa_column=Column(JSONB(none_as_null=True)))
    new: dict[str, Any] | None = Field(sa_column=Column(JSONB(none_as_null=True)))


class Quarantine(Base, table=True):
    """A row that was refused: the line of the file it ends on, why, and what it said (cut)."""

    __table_args__ = (Index("ix_quarantine_run", "run_id", "row_number", "id"),)

    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    run_id: UUID = Field(sa_column=Column(ForeignKey("run.id"), nullable=False))
    row_number: int = Field(sa_type=BigInteger)
    reason: str = Field(sa_type=Text)
    raw: str = Field(sa_type=Text)
