"""The icon of an app: the digest of its picture in the blob store."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.add_column("app", sa.Column("icon_sha256", sa.Text(), nullable=True))
    op.create_check_constraint(op.f("ck_app_icon_sha256_form"), "app", "icon_sha256 ~ '^[0-9a-f]{64}$'")
