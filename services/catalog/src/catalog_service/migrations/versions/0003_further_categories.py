"""An app may stand in further categories beside its own."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    empty = sa.text("'{}'::text[]")
    op.add_column(
        "app", sa.Column("more_categories", postgresql.ARRAY(sa.Text()), server_default=empty, nullable=False)
    )
    op.create_index("ix_app_more_categories", "app", ["more_categories"], postgresql_using="gin")
