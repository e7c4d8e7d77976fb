"""Accounts, sessions, signing keys and the outbox."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NOW = sa.text("now()")
NEW_ID = sa.text("uuidv7()")


def _time(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _now(name: str) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=NOW)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), primary_key=True, server_default=NEW_ID),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False, server_default=sa.text("'{user}'")),
        _time("email_verified_at", nullable=True),
        _now("created_at"),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_account_email_lower")),
        sa.CheckConstraint(
            "roles <@ ARRAY['user', 'reviewer', 'admin'] AND 'user' = ANY (roles)", name=op.f("ck_account_roles")
        ),
    )
    op.create_index("uq_account_email", "account", ["email"], unique=True)
    op.create_table(
        "email_verification",
        sa.Column("token_hash", sa.LargeBinary(), primary_key=True),
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
        _now("created_at"),
        _time("expires_at"),
        _time("spent_at", nullable=True),
    )
    op.create_index("ix_email_verification_account_id", "email_verification", ["account_id"])
    op.create_table(
        "login_session",
        sa.Column("id", sa.Uuid(), primary_key=True, server_default=NEW_ID),
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
        _now("created_at"),
        _time("expires_at"),
        _time("revoked_at", nullable=True),
    )
    op.create_index("ix_login_session_account_id", "login_session", ["account_id"])
    op.create_table(
        "refresh_token",
        sa.Column("token_hash", sa.LargeBinary(), primary_key=True),
        sa.Column("session_id", sa.Uuid(), sa.ForeignKey("login_session.id", ondelete="CASCADE"), nullable=False),
        _now("created_at"),
        _time("expires_at"),
        _time("spent_at", nullable=True),
    )
    op.create_index("ix_refresh_token_session_id", "refresh_token", ["session_id"])
    op.create_table(
        "revoked_session",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        _now("revoked_at"),
        _time("expires_at"),
        sa.UniqueConstraint("session_id", name="uq_revoked_session_session_id"),
    )
    op.create_table(
        "signing_key",
        sa.Column("kid", sa.Text(), primary_key=True),
        sa.Column("public_jwk", postgresql.JSONB(), nullable=False),
        sa.Column("private_key", sa.LargeBinary(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        _now("created_at"),
        _time("retired_at", nullable=True),
    )
    op.create_index("uq_signing_key_active", "signing_key", ["active"], unique=True, postgresql_where=sa.text("active"))
    op.create_table(
        "outbox_mail",
        sa.Column("id", sa.Uuid(), primary_key=True, server_default=NEW_ID),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text_body", sa.Text(), nullable=True),
        sa.Column("html_body", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default=sa.text("0")),
        _now("created_at"),
        _now("next_attempt_at"),
        _time("sent_at", nullable=True),
        sa.CheckConstraint(
            "(sent_at IS NULL) = (text_body IS NOT NULL AND html_body IS NOT NULL)",
            name=op.f("ck_outbox_mail_body_until_sent"),
        ),
    )
    op.create_index(
        "ix_outbox_mail_pending", "outbox_mail", ["next_attempt_at"], postgresql_where=sa.text("sent_at IS NULL")
    )


def downgrade() -> None:
    for table in (
        "outbox_mail",
        "signing_key",
        "revoked_session",
        "refresh_token",
        "login_session",
        "email_verification",
        "account",
    ):
        op.drop_table(table)
