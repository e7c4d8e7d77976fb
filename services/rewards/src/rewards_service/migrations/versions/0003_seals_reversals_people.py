"""The chain of seals, tighter rules for reversals, and who wants to be on the leaderboard.

More of what the second migration promises:

L2  the owner of the tables gives the right to change the ledger away; a trigger stays behind for a superuser
L6  a reversal is never reversed                             ledger_check_transaction
L7  a task is `reversed` if and only if its credit is        ledger_check_reversal
L9  a seal never changes and never goes                      ledger_is_append_only
"""

import re

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SEAL = """
CREATE TRIGGER seal_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON seal
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();
"""

# Foreign keys lock the row that they name, which takes the right to update one column of it: that of the id, which a
# trigger refuses to change.
RIGHTS = """
REVOKE UPDATE, DELETE, TRUNCATE ON transaction, entry, seal FROM CURRENT_USER;
GRANT UPDATE (id) ON transaction TO CURRENT_USER;
"""

CHECK_TRANSACTION = """
CREATE OR REPLACE FUNCTION ledger_check_transaction() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    checked transaction;
    entries bigint;
    total numeric;
BEGIN
    IF TG_TABLE_NAME = 'entry' THEN
        SELECT * INTO checked FROM transaction WHERE id = NEW.transaction_id;
    ELSE
        checked := NEW;
    END IF;
    SELECT count(*), coalesce(sum(amount), 0) INTO entries, total FROM entry WHERE transaction_id = checked.id;
    IF entries <> checked.size OR total <> 0 THEN
        RAISE EXCEPTION 'transaction % has % of % entries, and their sum is %', checked.id, entries, checked.size, total
            USING ERRCODE = 'check_violation', CONSTRAINT = 'transaction_in_balance';
    END IF;
    IF checked.reverses_id IS NULL THEN
        RETURN NULL;
    END IF;
    IF EXISTS (SELECT FROM transaction WHERE id = checked.reverses_id AND reverses_id IS NOT NULL) THEN
        RAISE EXCEPTION 'transaction % is a reversal itself', checked.reverses_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'reversal_is_final';
    END IF;
    IF EXISTS (
        SELECT account_id FROM entry WHERE transaction_id IN (checked.id, checked.reverses_id)
        GROUP BY account_id HAVING sum(amount) <> 0
    ) THEN
        RAISE EXCEPTION 'transaction % does not undo %', checked.id, checked.reverses_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'reversal_undoes_its_transaction';
    END IF;
    RETURN NULL;
END $$;
"""

# Runs when the transaction commits, and looks at the task as it is then.
CHECK_REVERSAL = """
CREATE FUNCTION ledger_check_reversal() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    checked uuid;
BEGIN
    IF TG_TABLE_NAME = 'task' THEN
        checked := NEW.id;
    ELSE
        SELECT task_id INTO checked FROM transaction WHERE id = NEW.reverses_id AND kind = 'task.approve';
    END IF;
    IF EXISTS (SELECT FROM task WHERE id = checked AND status = 'reversed') <> EXISTS (
        SELECT FROM transaction AS credit JOIN transaction AS reversal ON reversal.reverses_id = credit.id
        WHERE credit.kind = 'task.approve' AND credit.reference = checked::text
    ) THEN
        RAISE EXCEPTION 'task %: reversed without its credit being so, or the other way round', checked
            USING ERRCODE = 'check_violation', CONSTRAINT = 'task_reversed_with_credit';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER task_reversed_with_credit AFTER INSERT OR UPDATE OF status ON task
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.status IN ('approved', 'reversed'))
    EXECUTE FUNCTION ledger_check_reversal();
CREATE CONSTRAINT TRIGGER reversal_of_credit AFTER INSERT ON transaction
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.reverses_id IS NOT NULL)
    EXECUTE FUNCTION ledger_check_reversal();
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_table(
        "seal",
        sa.Column("position", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("length(hash) = 32", name=op.f("ck_seal_hash_is_sha256")),
        sa.ForeignKeyConstraint(
            ["transaction_id"], ["transaction.id"], name=op.f("fk_seal_transaction_id_transaction")
        ),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_seal")),
        sa.UniqueConstraint("transaction_id", name=op.f("uq_seal_transaction_id")),
    )
    op.create_index("ix_transaction_created_at_id", "transaction", ["created_at", "id"], unique=False)
    op.create_table(
        "preference",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("leaderboard", sa.Boolean(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("NOT leaderboard OR name IS NOT NULL", name=op.f("ck_preference_shown_with_a_name")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_preference")),
    )
    connection = op.get_bind()
    for script in (SEAL, RIGHTS, CHECK_TRANSACTION, CHECK_REVERSAL):
        # asyncpg takes one statement at a time
        for statement in re.split(r"\n(?=CREATE |REVOKE |GRANT )", script.strip()):
            connection.exec_driver_sql(statement)
