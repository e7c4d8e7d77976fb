"""What a session was started from, reset links, disabled and deleted accounts, the audit log."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NOW = sa.text("now()")
NEW_ID = sa.text("uuidv7()")

APPEND_ONLY = """
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % refused: the audit log is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'audit_is_append_only';
END $$
"""
APPEND_ONLY_TRIGGER = """
CREATE TRIGGER audit_event_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_event
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()
"""


def _time(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _now(name: str) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=NOW)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.add_column("account", _time("disabled_at", nullable=True))
    op.add_column("account", _time("deleted_at", nullable=True))
    op.add_column("login_session", _now("last_used_at"))
    op.add_column("login_session", sa.Column("network", sa.Text(), nullable=True))
    op.add_column("login_session", sa.Column("user_agent", sa.Text(), nullable=True))
    op.create_table(
        "password_reset",
        sa.Column("token_hash", sa.LargeBinary(), primary_key=True),
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
        _now("created_at"),
        _time("expires_at"),
    )
    op.create_index("ix_password_reset_account_id", "password_reset", ["account_id"])
    op.create_table(
        "password_reset_request",
        sa.Column("id", sa.Uuid(), primary_key=True, server_default=NEW_ID),
        sa.Column("email", sa.Text(), nullable=False),
        _now("created_at"),
    )
    op.create_table(
        "audit_event",
        sa.Column("id", sa.Uuid(), primary_key=True, server_default=NEW_ID),
        _now("created_at"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("details", postgresql.JSONB(), nullable=False, server_default=sa.text("'{}'")),
    )
    op.create_index("ix_audit_event_user_id", "audit_event", ["user_id", "id"])
    op.execute(APPEND_ONLY)
    op.execute(APPEND_ONLY_TRIGGER)


def downgrade() -> None:
    for table in ("audit_event", "password_reset_request", "password_reset"):
        op.drop_table(table)
    op.execute("DROP FUNCTION audit_is_append_only")
    for column in ("last_used_at", "network", "user_agent"):
        op.drop_column("login_session", column)
    op.drop_column("account", "deleted_at")
    op.drop_column("account", "disabled_at")
