"""The tables. What must always hold is a constraint here or a trigger of the first migration, not only code."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from servicekit.db import new_metadata

MAX_ATTEMPTS = 3
# States that leave the way free for a new task of the same app.
OVER = "status IN ('cancelled', 'expired')"
_UUID7: dict[str, Any] = {"server_default": text("uuidv7()")}
_NOW: dict[str, Any] = {"server_default": text("now()")}


class Base(SQLModel, registry=registry(metadata=new_metadata())):
    """The base of this service's tables."""


class Task(Base, table=True):
    """One person's way to the points of one app. Name and points are those of its start."""

    __table_args__ = (
        CheckConstraint(
            "status IN ('started', 'submitted', 'approved', 'rejected', 'cancelled', 'expired', 'reversed')",
            name="status_known",
        ),
        CheckConstraint(f"attempts BETWEEN 0 AND {MAX_ATTEMPTS}", name="attempts_bounded"),
        CheckConstraint(
            "(attempts = 0) = (status IN ('started', 'cancelled', 'expired'))", name="attempts_match_status"
        ),
        CheckConstraint("(attempts = 0) = (proof_id IS NULL)", name="proof_of_last_attempt"),
        CheckConstraint("points BETWEEN 1 AND 1000000", name="points_bounded"),
        CheckConstraint("(leased_by IS NULL) = (leased_until IS NULL)", name="lease_whole"),
        Index("uq_task_user_id_app_id", "user_id", "app_id", unique=True, postgresql_where=text(f"NOT ({OVER})")),
        Index("ix_task_user_id_id", "user_id", "id"),
        Index("ix_task_app_id_places", "app_id", postgresql_where=text(f"NOT ({OVER})")),
        Index("ix_task_queue", "submitted_at", "id", postgresql_where=text("status = 'submitted'")),
        Index("ix_task_expires_at", "expires_at", postgresql_where=text("status = 'started'")),
        Index("ix_task_leased_until", "leased_until", postgresql_where=text("leased_until IS NOT NULL")),
    )

    id: UUID = Field(primary_key=True, sa_column_kwargs=_UUID7)
    user_id: UUID
    app_id: UUID
    app_name: str = Field(sa_type=Text)
    package_name: str = Field(sa_type=Text)
    points: int = Field(sa_type=BigInteger)
    status: str = Field(sa_type=Text, sa_column_kwargs={"server_default": text("'started'")})
    attempts: int = Field(sa_type=SmallInteger, sa_column_kwargs={"server_default": text("0")})
    proof_id: UUID | None = Field(sa_column_args=[ForeignKey("proof.id", use_alter=True)])
    rejection_code: str | None = Field(sa_type=Text)
    rejection_note: str | None = Field(sa_type=Text)
    leased_by: UUID | None
    leased_until: datetime | None = Field(sa_type=DateTime(timezone=True))
    expires_at: datetime = Field(sa_type=DateTime(timezone=True))
    created_at: datetime = Field(sa_type=DateTime(timezone=True), sa_column_kwargs=_NOW)
    submitted_at: datetime | None = Field(sa_type=DateTime(timezone=True))
    decided_at: datetime | None = Field(sa_type=DateTime(timezone=True))

    @property
    def attempts_left(self) -> int:
        """How many proofs may still be sent."""
        return MAX_ATTEMPTS - self.attempts

    @property
    def last_rejection(self) -> dict[str, str | None] | None:
        """Why the last rejected proof was rejected, if any was."""
        return {"reason_code": self.rejection_code, "note": self.rejection_note} if self.rejection_code else None


class Proof(Base, table=True):
    """One attempt: the picture, what it is recognised by, and the decision on it."""

    __table_args__ = (
        UniqueConstraint("task_id", "attempt"),
        CheckConstraint(f"attempt BETWEEN 1 AND {MAX_ATTEMPTS}", name="attempt_bounded"),
        CheckConstraint("decision IN ('approve', 'reject')", name="decision_known"),
        CheckConstraint("(decision IS NULL) = (decided_by IS NULL)", name="decision_has_reviewer"),
        CheckConstraint("(decision IS NULL) = (decided_at IS NULL)", name="decision_has_time"),
        CheckConstraint("coalesce(decision, '') = 'reject' OR reason_code IS NULL", name="reason_of_a_reject"),
        CheckConstraint("coalesce(decision, '') <> 'reject' OR reason_code IS NOT NULL", name="reject_has_reason"),
        Index("ix_proof_file_sha256", "file_sha256"),
        Index("ix_proof_pixels_sha256", "pixels_sha256"),
        Index("ix_proof_app_id_id", "app_id", "id", postgresql_include=["dhash"]),
        Index("ix_proof_image_sha256", "image_sha256"),
        Index("ix_proof_thumbnail_sha256", "thumbnail_sha256"),
        Index("ix_proof_decided_at", "decided_at", postgresql_where=text("decided_at IS NOT NULL")),
    )

    id: UUID = Field(primary_key=True, sa_column_kwargs=_UUID7)
    task_id: UUID = Field(foreign_key="task.id")
    app_id: UUID | None  # the task's; null in rows of before there were hints
    attempt: int = Field(sa_type=SmallInteger)
    file_sha256: str = Field(sa_type=Text)  # of the file as it came
    pixels_sha256: str = Field(sa_type=Text)  # of its pixels, whatever the encoding
    dhash: int | None = Field(sa_type=BigInteger)  # of what it looks like; null as app_id
    image_sha256: str = Field(sa_type=Text)  # the name of the stored picture
    thumbnail_sha256: str = Field(sa_type=Text)
    width: int
    height: int
    created_at: datetime = Field(sa_type=DateTime(timezone=True), sa_column_kwargs=_NOW)
    decision: str | None = Field(sa_type=Text)
    reason_code: str | None = Field(sa_type=Text)
    note: str | None = Field(sa_type=Text)
    decided_by: UUID | None
    decided_at: datetime | None = Field(sa_type=DateTime(timezone=True))


class Account(Base, table=True):
    """A person's account, or one of the system's, which have a name and keep no balance: no row that all must lock."""

    __table_args__ = (
        UniqueConstraint("user_id"),
        UniqueConstraint("name"),
        CheckConstraint("num_nonnulls(user_id, name) = 1", name="one_owner"),
        CheckConstraint("(user_id IS NULL) = (balance IS NULL)", name="balance_of_users"),
    )

    id: UUID = Field(primary_key=True, sa_column_kwargs=_UUID7)
    user_id: UUID | None
    name: str | None = Field(sa_type=Text)
    balance: int | None = Field(sa_type=BigInteger)  # moved by the trigger of `entry`, and by nothing else
    created_at: datetime = Field(sa_type=DateTime(timezone=True), sa_column_kwargs=_NOW)


class Transaction(Base, table=True):
    """One business event in the ledger: never changed, never twice."""

    __table_args__ = (
        UniqueConstraint("kind", "reference"),
        UniqueConstraint("reverses_id"),
        CheckConstraint("size >= 2", name="two_entries_at_least"),
        CheckConstraint(
            "kind <> 'task.approve' OR (task_id IS NOT NULL AND reference = task_id::text)", name="credit_names_task"
        ),
        Index("ix_transaction_task_id", "task_id"),
        Index("ix_transaction_created_at_id", "created_at", "id"),
    )

    id: UUID = Field(primary_key=True, sa_column_kwargs=_UUID7)
    kind: str = Field(sa_type=Text)
    reference: str = Field(sa_type=Text)
    size: int = Field(sa_type=SmallInteger)  # how many entries it has: none can be added later
    description: str = Field(sa_type=Text)
    task_id: UUID | None = Field(foreign_key="task.id")
    reverses_id: UUID | None = Field(foreign_key="transaction.id")
    created_by: UUID
    created_at: datetime = Field(sa_type=DateTime(timezone=True), sa_column_kwargs=_NOW)


class Entry(Base, table=True):
    """One account's part in a transaction. The ids of an account's entries follow the order of its balances."""

    __table_args__ = (
        CheckConstraint("amount <> 0", name="amount_not_zero"),
        Index("ix_entry_account_id_id", "account_id", "id"),
        Index("ix_entry_transaction_id", "transaction_id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    transaction_id: UUID = Field(foreign_key="transaction.id")
    account_id: UUID = Field(foreign_key="account.id")
    amount: int = Field(sa_type=BigInteger)
    balance_after: int | None = Field(sa_type=BigInteger)  # null for the system's accounts


class Seal(Base, table=True):
    """A link of the chain over the ledger: SHA-256 of the link before and of the transaction with its entries.

    Positions are given when a transaction is sealed, so one that commits late only gets a later place.
    """

    __table_args__ = (
        UniqueConstraint("transaction_id"),
        CheckConstraint("length(hash) = 32", name="hash_is_sha256"),
    )

    position: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    transaction_id: UUID = Field(foreign_key="transaction.id")
    hash: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(sa_type=DateTime(timezone=True), sa_column_kwargs=_NOW)


class Preference(Base, table=True):
    """What somebody chose. The name is that of their account when it was last seen, for others to read."""

    __table_args__ = (CheckConstraint("NOT leaderboard OR name IS NOT NULL", name="shown_with_a_name"),)

    user_id: UUID = Field(primary_key=True)
    leaderboard: bool = Field(sa_type=Boolean)
    name: str | None = Field(sa_type=Text)
    updated_at: datetime = Field(sa_type=DateTime(timezone=True), sa_column_kwargs=_NOW)


class IdempotencyKey(Base, table=True):
    """The first answer to a request, kept so that its repetition gets the same one."""

    __tablename__ = "idempotency_key"

    user_id: UUID = Field(primary_key=True)
    route: str = Field(primary_key=True, sa_type=Text)
    key: str = Field(primary_key=True, sa_type=Text)
    fingerprint: str = Field(sa_type=Text)
    status: int = Field(sa_type=SmallInteger)
    body: str = Field(sa_type=Text)
    location: str | None = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=DateTime(timezone=True), sa_column_kwargs=_NOW)


class Upload(Base, table=True):
    """A blob that belongs to no proof yet: the row is written before the blob and deleted when its proof is written."""

    __table_args__ = (Index("ix_upload_digest", "digest"),)

    id: UUID = Field(primary_key=True, sa_column_kwargs=_UUID7)
    digest: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=DateTime(timezone=True), sa_column_kwargs=_NOW)


class UserEvent(Base, table=True):
    """What happened to a task or a balance: its row as it was then. Written by triggers (see the fourth migration)."""

    __tablename__ = "event"
    __table_args__ = (
        CheckConstraint("kind IN ('task.updated', 'points.updated')", name="kind_known"),
        Index("ix_event_user_id_id", "user_id", "id"),
    )

    id: int = Field(primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    user_id: UUID
    kind: str = Field(sa_type=Text)
    data: dict[str, Any] = Field(sa_type=JSONB)
    created_at: datetime = Field(sa_type=DateTime(timezone=True), sa_column_kwargs=_NOW)
