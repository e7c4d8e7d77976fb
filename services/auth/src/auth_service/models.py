"""The tables of auth."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Identity, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT, JSONB
from sqlalchemy.dialects.postgresql import UUID as PGUUID
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from servicekit.db import new_metadata

ROLES = ("user", "reviewer", "admin")


class Base(SQLModel, registry=registry(metadata=new_metadata())):
    """The base of this service's tables, with metadata of its own."""


def _now() -> Any:
    return Column(DateTime(timezone=True), nullable=False, server_default=text("now()"))


def _time(*, nullable: bool) -> Any:
    return Column(DateTime(timezone=True), nullable=nullable)


def _id() -> Any:
    return Column(PGUUID(as_uuid=True), primary_key=True, server_default=text("uuidv7()"))


def _reference(target: str, *, index: bool = True) -> Any:
    key = ForeignKey(target, ondelete="CASCADE")
    return Column(PGUUID(as_uuid=True), key, nullable=False, index=index)


def _own_key() -> Any:
    return Column(PGUUID(as_uuid=True), ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)


class Account(Base, table=True):
    """A person who can sign in. ``email`` is in its one normal spelling (see ``addresses``)."""

    __table_args__ = (
        CheckConstraint("email = lower(email)", name="email_lower"),
        CheckConstraint("roles <@ ARRAY['user', 'reviewer', 'admin'] AND 'user' = ANY (roles)", name="roles"),
        Index("uq_account_email", "email", unique=True),
    )

    id: UUID = Field(sa_column=_id())
    email: str = Field(sa_column=Column(Text, nullable=False))
    name: str = Field(sa_column=Column(Text, nullable=False))
    password_hash: str = Field(sa_column=Column(Text, nullable=False))
    roles: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False, server_default=text("'{user}'")))
    email_verified_at: datetime | None = Field(default=None, sa_column=_time(nullable=True))
    created_at: datetime = Field(sa_column=_now())
    disabled_at: datetime | None = Field(default=None, sa_column=_time(nullable=True))
    deleted_at: datetime | None = Field(default=None, sa_column=_time(nullable=True))
    mfa_enabled: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})


class EmailVerification(Base, table=True):
    """A link that proves an address. Only the SHA-256 of its token is kept."""

    __tablename__ = "email_verification"

    token_hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    account_id: UUID = Field(sa_column=_reference("account.id"))
    created_at: datetime = Field(sa_column=_now())
    expires_at: datetime = Field(sa_column=_time(nullable=False))
    spent_at: datetime | None = Field(default=None, sa_column=_time(nullable=True))


class PasswordReset(Base, table=True):
    """A link that allows a new password. Only the SHA-256 of its token is kept, and the row goes when it is used."""

    __tablename__ = "password_reset"

    token_hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    account_id: UUID = Field(sa_column=_reference("account.id"))
    created_at: datetime = Field(sa_column=_now())
    expires_at: datetime = Field(sa_column=_time(nullable=False))


class PasswordResetRequest(Base, table=True):
    """Somebody asked for such a link. Whether the address is known is looked up later, out of the asker's sight."""

    __tablename__ = "password_reset_request"

    id: UUID = Field(sa_column=_id())
    email: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime = Field(sa_column=_now())


class LoginSession(Base, table=True):
    """One sign-in on one device: the life of a chain of refresh tokens, at most until ``expires_at``."""

    __tablename__ = "login_session"

    id: UUID = Field(sa_column=_id())
    account_id: UUID = Field(sa_column=_reference("account.id"))
    created_at: datetime = Field(sa_column=_now())
    expires_at: datetime = Field(sa_column=_time(nullable=False))
    revoked_at: datetime | None = Field(default=None, sa_column=_time(nullable=True))
    last_used_at: datetime = Field(sa_column=_now())
    network: str | None = Field(default=None, sa_column=Column(Text))
    user_agent: str | None = Field(default=None, sa_column=Column(Text))


class RefreshToken(Base, table=True):
    """One link of a session's chain. Only the SHA-256 of the token is kept."""

    __tablename__ = "refresh_token"

    token_hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    session_id: UUID = Field(sa_column=_reference("login_session.id"))
    created_at: datetime = Field(sa_column=_now())
    expires_at: datetime = Field(sa_column=_time(nullable=False))
    spent_at: datetime | None = Field(default=None, sa_column=_time(nullable=True))


class RevokedSession(Base, table=True):
    """A session whose access tokens must be refused until the last of them has expired. ``seq`` is in commit order."""

    __tablename__ = "revoked_session"

    seq: int = Field(sa_column=Column(BIGINT, Identity(always=True), primary_key=True))
    session_id: UUID = Field(sa_column=Column(PGUUID(as_uuid=True), nullable=False, unique=True))
    revoked_at: datetime = Field(sa_column=_now())
    expires_at: datetime = Field(sa_column=_time(nullable=False))


class SigningKey(Base, table=True):
    """An Ed25519 key. The newest whose ``signs_from`` has come signs; those before it verify until they are not needed.

    ``active`` marks the first key, for the release before rotation.
    """

    __tablename__ = "signing_key"
    __table_args__ = (Index("uq_signing_key_active", "active", unique=True, postgresql_where=text("active")),)

    kid: str = Field(sa_column=Column(Text, primary_key=True))
    public_jwk: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    private_key: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    active: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    created_at: datetime = Field(sa_column=_now())
    signs_from: datetime = Field(sa_column=_now())
    retired_at: datetime | None = Field(default=None, sa_column=_time(nullable=True))


class Totp(Base, table=True):
    """The secret that an authenticator app shares, sealed. No code of a period up to ``last_step`` works any more."""

    account_id: UUID = Field(sa_column=_own_key())
    secret: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    last_step: int = Field(default=0, sa_column=Column(BIGINT, nullable=False, server_default=text("0")))
    created_at: datetime = Field(sa_column=_now())


class RecoveryCode(Base, table=True):
    """A code for when the app is gone. It works once, and only its keyed hash is kept."""

    __tablename__ = "recovery_code"

    account_id: UUID = Field(sa_column=_own_key())
    code_hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    spent_at: datetime | None = Field(default=None, sa_column=_time(nullable=True))


class MfaChallenge(Base, table=True):
    """Somebody has shown the password, and still has to show a code. Only the SHA-256 of the token is kept."""

    __tablename__ = "mfa_challenge"

    token_hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    account_id: UUID = Field(sa_column=_reference("account.id"))
    expires_at: datetime = Field(sa_column=_time(nullable=False))


class ThrottleBucket(Base, table=True):
    """How often somebody failed at a secret of late. ``key`` is a keyed hash: the table names no address."""

    __tablename__ = "throttle_bucket"

    key: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    failures: int
    blocked_until: datetime = Field(sa_column=_time(nullable=False))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, index=True))


class AuditEvent(Base, table=True):
    """What happened to an account's security, and by whom. Append-only, and without foreign keys: it outlives all."""

    __tablename__ = "audit_event"
    __table_args__ = (Index("ix_audit_event_user_id", "user_id", "id"),)

    id: UUID = Field(sa_column=_id())
    created_at: datetime = Field(sa_column=_now())
    kind: str = Field(sa_column=Column(Text, nullable=False))
    actor_id: UUID | None = Field(default=None, sa_column=Column(PGUUID(as_uuid=True)))
    user_id: UUID | None = Field(default=None, sa_column=Column(PGUUID(as_uuid=True)))
    details: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'{}'")))


class OutboxMail(Base, table=True):
    """A mail to be sent. It is written with its cause, in one transaction; once sent it loses its texts."""

    __tablename__ = "outbox_mail"
    __table_args__ = (
        CheckConstraint(
            "(sent_at IS NULL) = (text_body IS NOT NULL AND html_body IS NOT NULL)", name="body_until_sent"
        ),
        Index("ix_outbox_mail_pending", "next_attempt_at", postgresql_where=text("sent_at IS NULL")),
    )

    id: UUID = Field(sa_column=_id())
    recipient: str = Field(sa_column=Column(Text, nullable=False))
    subject: str = Field(sa_column=Column(Text, nullable=False))
    text_body: str | None = Field(sa_column=Column(Text))
    html_body: str | None = Field(sa_column=Column(Text))
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    created_at: datetime = Field(sa_column=_now())
    next_attempt_at: datetime = Field(sa_column=_now())
    sent_at: datetime | None = Field(default=None, sa_column=_time(nullable=True))
