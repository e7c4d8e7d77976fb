"""A signing key is published before it signs."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.add_column(
        "signing_key",
        sa.Column("signs_from", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
    )
    op.execute("UPDATE signing_key SET signs_from = created_at")
    op.alter_column("signing_key", "active", server_default=sa.text("false"))


def downgrade() -> None:
    op.alter_column("signing_key", "active", server_default=None)
    op.drop_column("signing_key", "signs_from")
