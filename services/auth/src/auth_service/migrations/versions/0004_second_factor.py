"""One-time passwords and recovery codes."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NOW = sa.text("now()")


def _account(*, primary_key: bool = False) -> sa.Column:
    key = sa.ForeignKey("account.id", ondelete="CASCADE")
    return sa.Column("account_id", sa.Uuid(), key, nullable=False, primary_key=primary_key)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.add_column("account", sa.Column("mfa_enabled", sa.Boolean(), nullable=False, server_default=sa.text("false")))
    op.create_table(
        "totp",
        _account(primary_key=True),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=NOW),
    )
    op.create_table(
        "recovery_code",
        _account(primary_key=True),
        sa.Column("code_hash", sa.LargeBinary(), primary_key=True),
        sa.Column("spent_at", sa.DateTime(timezone=True), nullable=True),
    )
    op.create_table(
        "mfa_challenge",
        sa.Column("token_hash", sa.LargeBinary(), primary_key=True),
        _account(),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_mfa_challenge_account_id", "mfa_challenge", ["account_id"])


def downgrade() -> None:
    for table in ("mfa_challenge", "recovery_code", "totp"):
        op.drop_table(table)
    op.drop_column("account", "mfa_enabled")
