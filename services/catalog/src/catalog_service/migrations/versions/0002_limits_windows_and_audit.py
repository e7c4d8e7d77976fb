"""Completions a day, the time in which an app is offered, and who changed what."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.add_column("app", sa.Column("max_completions_per_day", sa.BigInteger(), nullable=True))
    op.add_column("app", sa.Column("available_from", sa.DateTime(timezone=True), nullable=True))
    op.add_column("app", sa.Column("available_until", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(op.f("ck_app_max_per_day_positive"), "app", "max_completions_per_day >= 1")
    op.create_check_constraint(op.f("ck_app_window_order"), "app", "available_from < available_until")
    op.create_table(
        "admin_change",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("fields", postgresql.JSONB(), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_change")),
    )
    op.create_index("ix_admin_change_subject_id", "admin_change", ["subject_id", "changed_at", "id"])
