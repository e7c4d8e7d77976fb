"""Runs, publications, listings and their history.

It must work with the previous release too, and give up quickly on a lock.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_table(
        "listing",
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("isin", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("lei", sa.Text(), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("first_seen", sa.Date(), nullable=False),
        sa.Column("last_seen", sa.Date(), nullable=True),
        sa.CheckConstraint("isin ~ '^[A-Z]{2}[A-Z0-9]{9}[0-9]$'", name=op.f("ck_listing_isin")),
        sa.CheckConstraint("last_seen >= first_seen", name=op.f("ck_listing_seen")),
        sa.PrimaryKeyConstraint("feed", "isin", name=op.f("pk_listing")),
    )
    op.create_index("ix_listing_isin", "listing", ["isin"], unique=False)
    op.create_index(
        "ix_listing_words",
        "listing",
        [sa.literal_column("to_tsvector('simple', coalesce(name, '') || ' ' || coalesce(details ->> 'symbol', ''))")],
        unique=False,
        postgresql_using="gin",
    )
    op.create_table(
        "run",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'pending'"), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("forced", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("owner", sa.Uuid(), nullable=True),
        sa.Column("lease_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=True),
        sa.Column("valid", sa.BigInteger(), nullable=True),
        sa.Column("added", sa.BigInteger(), nullable=True),
        sa.Column("changed", sa.BigInteger(), nullable=True),
        sa.Column("removed", sa.BigInteger(), nullable=True),
        sa.Column("unchanged", sa.BigInteger(), nullable=True),
        sa.Column("quarantined", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(status = 'running') = (owner IS NOT NULL)", name=op.f("ck_run_owner_while_running")),
        sa.CheckConstraint(
            "status IN ('pending', 'running', 'succeeded', 'failed', 'dead')", name=op.f("ck_run_status")
        ),
        sa.CheckConstraint("trigger IN ('schedule', 'api', 'command')", name=op.f("ck_run_trigger")),
        sa.CheckConstraint("(owner IS NULL) = (lease_expires_at IS NULL)", name=op.f("ck_run_owner_has_a_lease")),
        sa.CheckConstraint(
            "rows = valid + quarantined AND valid = added + changed + unchanged", name=op.f("ck_run_counts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
    )
    op.create_index(
        "ix_run_open",
        "run",
        ["next_try_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('pending', 'running', 'failed')"),
    )
    op.create_index("uq_run_feed_business_date", "run", ["feed", "business_date"], unique=True)
    op.create_table(
        "isin_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("isin", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("old", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("new", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint("kind IN ('added', 'changed', 'removed')", name=op.f("ck_isin_change_kind")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_isin_change_run_id_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_isin_change")),
    )
    op.create_index("ix_isin_change_feed", "isin_change", ["feed", "id"], unique=False)
    op.create_index("ix_isin_change_isin", "isin_change", ["isin", "id"], unique=False)
    op.create_table(
        "publication",
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("valid", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_publication_run_id_run")),
        sa.PrimaryKeyConstraint("feed", name=op.f("pk_publication")),
    )
    op.create_table(
        "quarantine",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("row_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_quarantine_run_id_run")),
        sa.PrimaryKeyConstraint("run_id", "row_number", name=op.f("pk_quarantine")),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.drop_table("quarantine")
    op.drop_table("publication")
    op.drop_index("ix_isin_change_isin", table_name="isin_change")
    op.drop_index("ix_isin_change_feed", table_name="isin_change")
    op.drop_table("isin_change")
    op.drop_index("uq_run_feed_business_date", table_name="run")
    op.drop_index(
        "ix_run_open", table_name="run", postgresql_where=sa.text("status IN ('pending', 'running', 'failed')")
    )
    op.drop_table("run")
    op.drop_index("ix_listing_words", table_name="listing", postgresql_using="gin")
    op.drop_index("ix_listing_isin", table_name="listing")
    op.drop_table("listing")
