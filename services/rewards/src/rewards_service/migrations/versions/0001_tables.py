"""Tasks, proofs, the ledger and the answers kept for repeated requests.

It must work with the previous release too: add first, fill, and take away in a later release.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("balance", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("(user_id IS NULL) = (balance IS NULL)", name=op.f("ck_account_balance_of_users")),
        sa.CheckConstraint("num_nonnulls(user_id, name) = 1", name=op.f("ck_account_one_owner")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("name", name=op.f("uq_account_name")),
        sa.UniqueConstraint("user_id", name=op.f("uq_account_user_id")),
    )
    op.create_table(
        "idempotency_key",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "route", "key", name=op.f("pk_idempotency_key")),
    )
    op.create_table(
        "task",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("app_id", sa.Uuid(), nullable=False),
        sa.Column("app_name", sa.Text(), nullable=False),
        sa.Column("package_name", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'started'"), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("proof_id", sa.Uuid(), nullable=True),
        sa.Column("rejection_code", sa.Text(), nullable=True),
        sa.Column("rejection_note", sa.Text(), nullable=True),
        sa.Column("leased_by", sa.Uuid(), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(attempts = 0) = (status IN ('started', 'cancelled', 'expired'))",
            name=op.f("ck_task_attempts_match_status"),
        ),
        sa.CheckConstraint(
            "status IN ('started', 'submitted', 'approved', 'rejected', 'cancelled', 'expired', 'reversed')",
            name=op.f("ck_task_status_known"),
        ),
        sa.CheckConstraint("(attempts = 0) = (proof_id IS NULL)", name=op.f("ck_task_proof_of_last_attempt")),
        sa.CheckConstraint("(leased_by IS NULL) = (leased_until IS NULL)", name=op.f("ck_task_lease_whole")),
        sa.CheckConstraint("attempts BETWEEN 0 AND 3", name=op.f("ck_task_attempts_bounded")),
        sa.CheckConstraint("points BETWEEN 1 AND 1000000", name=op.f("ck_task_points_bounded")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
    )
    op.create_index(
        "ix_task_app_id_places",
        "task",
        ["app_id"],
        unique=False,
        postgresql_where=sa.text("NOT (status IN ('cancelled', 'expired'))"),
    )
    op.create_index(
        "ix_task_queue", "task", ["submitted_at", "id"], unique=False, postgresql_where=sa.text("status = 'submitted'")
    )
    op.create_index("ix_task_user_id_id", "task", ["user_id", "id"], unique=False)
    op.create_index(
        "uq_task_user_id_app_id",
        "task",
        ["user_id", "app_id"],
        unique=True,
        postgresql_where=sa.text("NOT (status IN ('cancelled', 'expired'))"),
    )
    op.create_table(
        "proof",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.SmallInteger(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=False),
        sa.Column("pixels_sha256", sa.Text(), nullable=False),
        sa.Column("image_sha256", sa.Text(), nullable=False),
        sa.Column("thumbnail_sha256", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "coalesce(decision, '') <> 'reject' OR reason_code IS NOT NULL", name=op.f("ck_proof_reject_has_reason")
        ),
        sa.CheckConstraint(
            "coalesce(decision, '') = 'reject' OR reason_code IS NULL", name=op.f("ck_proof_reason_of_a_reject")
        ),
        sa.CheckConstraint("decision IN ('approve', 'reject')", name=op.f("ck_proof_decision_known")),
        sa.CheckConstraint("(decision IS NULL) = (decided_at IS NULL)", name=op.f("ck_proof_decision_has_time")),
        sa.CheckConstraint("(decision IS NULL) = (decided_by IS NULL)", name=op.f("ck_proof_decision_has_reviewer")),
        sa.CheckConstraint("attempt BETWEEN 1 AND 3", name=op.f("ck_proof_attempt_bounded")),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_proof_task_id_task")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proof")),
        sa.UniqueConstraint("task_id", "attempt", name=op.f("uq_proof_task_id_attempt")),
    )
    op.create_foreign_key("fk_task_proof_id_proof", "task", "proof", ["proof_id"], ["id"])
    op.create_index("ix_proof_file_sha256", "proof", ["file_sha256"], unique=False)
    op.create_index("ix_proof_pixels_sha256", "proof", ["pixels_sha256"], unique=False)
    op.create_table(
        "transaction",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("size", sa.SmallInteger(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=True),
        sa.Column("reverses_id", sa.Uuid(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "kind <> 'task.approve' OR (task_id IS NOT NULL AND reference = task_id::text)",
            name=op.f("ck_transaction_credit_names_task"),
        ),
        sa.CheckConstraint("size >= 2", name=op.f("ck_transaction_two_entries_at_least")),
        sa.ForeignKeyConstraint(
            ["reverses_id"], ["transaction.id"], name=op.f("fk_transaction_reverses_id_transaction")
        ),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_transaction_task_id_task")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transaction")),
        sa.UniqueConstraint("kind", "reference", name=op.f("uq_transaction_kind_reference")),
        sa.UniqueConstraint("reverses_id", name=op.f("uq_transaction_reverses_id")),
    )
    op.create_index("ix_transaction_task_id", "transaction", ["task_id"], unique=False)
    op.create_table(
        "entry",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("balance_after", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_entry_amount_not_zero")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_entry_account_id_account")),
        sa.ForeignKeyConstraint(
            ["transaction_id"], ["transaction.id"], name=op.f("fk_entry_transaction_id_transaction")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry")),
    )
    op.create_index("ix_entry_account_id_id", "entry", ["account_id", "id"], unique=False)
    op.create_index("ix_entry_transaction_id", "entry", ["transaction_id"], unique=False)
