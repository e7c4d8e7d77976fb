"""Listings by venue, runs that gates hold, and more of where a list came from.

It must work with the previous release too, and give up quickly on a lock.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_WORDS = "to_tsvector('simple', coalesce(name, '') || ' ' || coalesce(details ->> 'symbol', ''))"
_STATUSES = "'pending', 'running', 'succeeded', 'failed', 'dead'"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    for table in ("listing", "isin_change"):
        op.add_column(table, sa.Column("venue", sa.Text(collation="C"), server_default=sa.text("''"), nullable=False))
    op.drop_constraint(op.f("pk_listing"), "listing", type_="primary")
    op.create_primary_key(op.f("pk_listing"), "listing", ["feed", "isin", "venue"])
    op.drop_index("ix_listing_words", table_name="listing")
    op.create_index(
        "ix_listing_words",
        "listing",
        [sa.literal_column(_WORDS)],
        postgresql_using="gin",
        postgresql_where=sa.text("name IS NOT NULL OR details ? 'symbol'"),
    )
    op.drop_index("ix_isin_change_isin", table_name="isin_change")  # nothing reads it
    op.create_index("ix_isin_change_at", "isin_change", ["at"], postgresql_using="brin")
    op.drop_constraint(op.f("fk_isin_change_run_id_run"), "isin_change", type_="foreignkey")

    op.add_column("run", sa.Column("version", sa.Text(), nullable=True))
    op.add_column("run", sa.Column("parser", sa.Text(), nullable=True))
    op.add_column("run", sa.Column("gate", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True))
    op.add_column("run", sa.Column("released_sha256", sa.Text(), nullable=True))
    op.add_column("publication", sa.Column("version", sa.Text(), nullable=True))
    _constrain_status(f"{_STATUSES}, 'held', 'dropped'")
    op.create_check_constraint(op.f("ck_run_held_by_a_gate"), "run", "status <> 'held' OR gate IS NOT NULL")

    op.drop_constraint(op.f("pk_quarantine"), "quarantine", type_="primary")
    op.add_column("quarantine", sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False))
    op.create_primary_key(op.f("pk_quarantine"), "quarantine", ["id"])
    op.create_index("ix_quarantine_run", "quarantine", ["run_id", "row_number", "id"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.drop_index("ix_quarantine_run", table_name="quarantine")
    op.drop_constraint(op.f("pk_quarantine"), "quarantine", type_="primary")
    op.drop_column("quarantine", "id")
    op.create_primary_key(op.f("pk_quarantine"), "quarantine", ["run_id", "row_number"])

    op.drop_constraint(op.f("ck_run_held_by_a_gate"), "run", type_="check")
    _constrain_status(_STATUSES)
    op.drop_column("publication", "version")
    for column in ("released_sha256", "gate", "parser", "version"):
        op.drop_column("run", column)

    op.drop_index("ix_isin_change_at", table_name="isin_change")
    op.create_index("ix_isin_change_isin", "isin_change", ["isin", "id"])
    op.create_foreign_key(op.f("fk_isin_change_run_id_run"), "isin_change", "run", ["run_id"], ["id"])
    op.drop_index("ix_listing_words", table_name="listing")
    op.create_index("ix_listing_words", "listing", [sa.literal_column(_WORDS)], postgresql_using="gin")
    op.drop_constraint(op.f("pk_listing"), "listing", type_="primary")
    op.create_primary_key(op.f("pk_listing"), "listing", ["feed", "isin"])
    for table in ("isin_change", "listing"):
        op.drop_column(table, "venue")


def _constrain_status(values: str) -> None:
    op.drop_constraint(op.f("ck_run_status"), "run", type_="check")
    op.create_check_constraint(op.f("ck_run_status"), "run", f"status IN ({values})")
