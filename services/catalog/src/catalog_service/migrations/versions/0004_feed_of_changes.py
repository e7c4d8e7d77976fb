"""When each app was last changed, counted in transactions: the order of the feed of changes."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    # A constant default, so that a large table is not written anew: what was there before comes first in the feed.
    op.add_column("app", sa.Column("changed_xid", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.create_index("ix_app_changed_xid", "app", ["changed_xid", "id"], postgresql_where=sa.text("status <> 'draft'"))
    op.execute(
        """
        CREATE FUNCTION app_note_transaction() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.changed_xid := pg_current_xact_id()::text::bigint;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER app_note_transaction BEFORE INSERT OR UPDATE ON app"
        " FOR EACH ROW EXECUTE FUNCTION app_note_transaction()"
    )
