"""What the ledger promises, held by the database: no code path, and no hand at a prompt, gets around it.

L1  a transaction has two entries or more, none 0, sum 0     ledger_check_transaction, amount_not_zero
L2  transactions and entries never change and never go       ledger_is_append_only
L3  one business event, at most one transaction              uq_transaction_kind_reference
L4  a balance is the sum of its account's entries            ledger_post_entry, account_balance_is_posted
L5  a balance goes below 0 by a reversal only                ledger_post_entry
L6  a reversal undoes one transaction, wholly and once       ledger_check_transaction, uq_transaction_reverses_id
L7  a task is approved if and only if its credit exists      ledger_check_credit
L8  the sum over all accounts is 0                           follows from L1

Triggers are off for a session with `session_replication_role = replica`, which takes a superuser.
"""

import re

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APPEND_ONLY = """
CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % refused: the ledger is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ledger_is_append_only';
END $$;

CREATE TRIGGER transaction_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON transaction
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();
CREATE TRIGGER entry_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entry
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();
"""

# The id is drawn again under the account's lock, so that ids follow the order of the balances. System accounts keep no
# balance and are not locked: every approval would queue on the one that all points come from.
POST_ENTRY = """
CREATE FUNCTION ledger_post_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.balance_after := NULL;
    UPDATE account SET balance = balance + NEW.amount
        WHERE id = NEW.account_id AND user_id IS NOT NULL
        RETURNING balance INTO NEW.balance_after;
    NEW.id := nextval('entry_id_seq');
    IF NEW.balance_after < 0 AND NEW.amount < 0
        AND NOT EXISTS (SELECT FROM transaction WHERE id = NEW.transaction_id AND reverses_id IS NOT NULL)
    THEN
        RAISE EXCEPTION 'account % would fall to %', NEW.account_id, NEW.balance_after
            USING ERRCODE = 'check_violation', CONSTRAINT = 'below_zero_by_reversal_only';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER entry_is_posted BEFORE INSERT ON entry FOR EACH ROW EXECUTE FUNCTION ledger_post_entry();

CREATE FUNCTION ledger_refuse_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the balance of account % moves by entries only', NEW.id
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'account_balance_is_posted';
END $$;

CREATE TRIGGER account_balance_is_posted BEFORE UPDATE ON account
    FOR EACH ROW WHEN (pg_trigger_depth() = 0 AND OLD.balance IS DISTINCT FROM NEW.balance)
    EXECUTE FUNCTION ledger_refuse_balance();
CREATE TRIGGER account_starts_at_zero BEFORE INSERT ON account
    FOR EACH ROW WHEN (NEW.balance <> 0) EXECUTE FUNCTION ledger_refuse_balance();
"""

# Runs when the transaction commits. Also for each entry, or a later one could upset a transaction that was in balance.
CHECK_TRANSACTION = """
CREATE FUNCTION ledger_check_transaction() RETURNS trigger LANGUAGE plpgsql AS $$
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
    IF checked.reverses_id IS NOT NULL AND EXISTS (
        SELECT account_id FROM entry WHERE transaction_id IN (checked.id, checked.reverses_id)
        GROUP BY account_id HAVING sum(amount) <> 0
    ) THEN
        RAISE EXCEPTION 'transaction % does not undo %', checked.id, checked.reverses_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'reversal_undoes_its_transaction';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER transaction_in_balance AFTER INSERT ON transaction DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION ledger_check_transaction();
CREATE CONSTRAINT TRIGGER entry_in_balance AFTER INSERT ON entry DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION ledger_check_transaction();
"""

# Runs when the transaction commits, and looks at the task as it is then.
CHECK_CREDIT = """
CREATE FUNCTION ledger_check_credit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    checked uuid;
BEGIN
    IF TG_TABLE_NAME = 'task' THEN
        checked := NEW.id;
    ELSE
        checked := NEW.task_id;
    END IF;
    IF EXISTS (SELECT FROM task WHERE id = checked AND status IN ('approved', 'reversed'))
        <> EXISTS (SELECT FROM transaction WHERE kind = 'task.approve' AND reference = checked::text)
    THEN
        RAISE EXCEPTION 'task %: approved without its credit, or credited without being approved', checked
            USING ERRCODE = 'check_violation', CONSTRAINT = 'task_approved_with_credit';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER task_approved_with_credit AFTER INSERT OR UPDATE OF status ON task
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_check_credit();
CREATE CONSTRAINT TRIGGER credit_of_approved_task AFTER INSERT ON transaction
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.kind = 'task.approve') EXECUTE FUNCTION ledger_check_credit();
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    connection = op.get_bind()
    for script in (APPEND_ONLY, POST_ENTRY, CHECK_TRANSACTION, CHECK_CREDIT):
        for statement in re.split(r"\n(?=CREATE )", script.strip()):  # asyncpg takes one statement at a time
            connection.exec_driver_sql(statement)
