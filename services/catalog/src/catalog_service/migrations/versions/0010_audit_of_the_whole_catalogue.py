"""The audit is read for the whole catalogue, too, in the order of time."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_index("ix_admin_change_changed_at", "admin_change", ["changed_at", "id"])
