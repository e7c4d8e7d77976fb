"""What the database refuses, whoever asks: the invariants of the ledger."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

pytestmark = pytest.mark.integration


class Books:
    """Posts to the ledger by hand."""

    def __init__(self, sql: asyncpg.Connection) -> None:
        self.sql = sql

    async def account(self, **owner: Any) -> UUID:
        user_id = owner.get("user_id", None if owner else uuid4())
        balance = None if user_id is None else 0
        return await self.sql.fetchval(
            "INSERT INTO account (user_id, name, balance) VALUES ($1, $2, $3) RETURNING id",
            user_id, owner.get("name"), balance,
        )  # fmt: skip

    async def post(
        self, amounts: Mapping[UUID, int], *, reverses: UUID | None = None, size: int | None = None, **event: Any
    ) -> UUID:
        async with self.sql.transaction():
            transaction_id = await self.sql.fetchval(
                "INSERT INTO transaction (kind, reference, size, description, created_by, reverses_id, task_id)"
                " VALUES ($1, $2, $3, 'x', $4, $5, $6) RETURNING id",
                event.get("kind", "test"), event.get("reference", str(uuid4())),
                len(amounts) if size is None else size, uuid4(), reverses, event.get("task_id"),
            )  # fmt: skip
            for account_id, amount in amounts.items():
                await self.entry(transaction_id, account_id, amount)
        return transaction_id

    async def entry(self, transaction_id: UUID, account_id: UUID, amount: int) -> None:
        await self.sql.execute(
            "INSERT INTO entry (transaction_id, account_id, amount) VALUES ($1, $2, $3)",
            transaction_id, account_id, amount,
        )  # fmt: skip

    async def balance(self, account_id: UUID) -> int:
        return await self.sql.fetchval("SELECT balance FROM account WHERE id = $1", account_id)


@pytest.fixture
async def books(sql: asyncpg.Connection) -> Books:
    return Books(sql)


@pytest.fixture
async def issued(books: Books) -> UUID:
    return await books.account(name="issued")


@pytest.fixture
async def user(books: Books) -> UUID:
    return await books.account()


def _name(refusal: pytest.ExceptionInfo[asyncpg.PostgresError]) -> str:
    return str(refusal.value.constraint_name)


async def test_a_balanced_transaction_moves_the_balance(books: Books, issued: UUID, user: UUID) -> None:
    await books.post({issued: -250, user: 250})
    assert await books.balance(user) == 250


@pytest.mark.parametrize("amounts", [(-250, 249), (100, 150), (-1, -1)])
async def test_l1_entries_that_do_not_sum_to_zero_are_refused(
    books: Books, issued: UUID, user: UUID, amounts: tuple[int, int]
) -> None:
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        await books.post(dict(zip((issued, user), amounts, strict=True)))
    assert _name(refusal) in {"transaction_in_balance", "below_zero_by_reversal_only"}
    assert await books.balance(user) == 0


async def test_l1_an_entry_of_zero_is_refused(books: Books, issued: UUID, user: UUID) -> None:
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        await books.post({issued: 0, user: 0})
    assert _name(refusal) == "ck_entry_amount_not_zero"


async def test_l1_a_transaction_without_entries_is_refused(books: Books) -> None:
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        await books.post({}, size=2)
    assert _name(refusal) == "transaction_in_balance"
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        await books.post({}, size=0)
    assert _name(refusal) == "ck_transaction_two_entries_at_least"


async def test_l1_entries_can_not_be_added_later(
    books: Books, issued: UUID, user: UUID, sql: asyncpg.Connection
) -> None:
    transaction_id = await books.post({issued: -250, user: 250})
    changes = sql.transaction()
    await changes.start()
    await books.entry(transaction_id, issued, -5)
    await books.entry(transaction_id, user, 5)
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        await changes.commit()
    assert _name(refusal) == "transaction_in_balance"
    assert await books.balance(user) == 250


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entry SET amount = 1",
        "UPDATE transaction SET description = 'y'",
        "DELETE FROM entry",
        "DELETE FROM transaction",
        "TRUNCATE entry",
        "TRUNCATE transaction CASCADE",
        "TRUNCATE account CASCADE",
        "TRUNCATE task CASCADE",
    ],
)
async def test_l2_nothing_is_changed_or_removed(
    books: Books, issued: UUID, user: UUID, sql: asyncpg.Connection, statement: str
) -> None:
    await books.post({issued: -250, user: 250})
    with pytest.raises(asyncpg.RestrictViolationError) as refusal:
        await sql.execute(statement)
    assert _name(refusal) == "ledger_is_append_only"


async def test_l3_an_event_is_booked_once(books: Books, issued: UUID, user: UUID) -> None:
    await books.post({issued: -250, user: 250}, reference="7")
    with pytest.raises(asyncpg.UniqueViolationError) as refusal:
        await books.post({issued: -250, user: 250}, reference="7")
    assert _name(refusal) == "uq_transaction_kind_reference"
    assert await books.balance(user) == 250


async def test_l4_a_balance_is_not_set_by_hand(books: Books, user: UUID, sql: asyncpg.Connection) -> None:
    for statement in (
        "UPDATE account SET balance = 1000000",
        "INSERT INTO account (user_id, balance) VALUES (gen_random_uuid(), 5)",
    ):
        with pytest.raises(asyncpg.RestrictViolationError) as refusal:
            await sql.execute(statement)
        assert _name(refusal) == "account_balance_is_posted"


async def test_l5_spending_more_than_there_is_is_refused(books: Books, issued: UUID, user: UUID) -> None:
    await books.post({issued: -250, user: 250})
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        await books.post({issued: 251, user: -251})
    assert _name(refusal) == "below_zero_by_reversal_only"
    assert await books.balance(user) == 250


async def test_l5_a_reversal_may_go_below_zero_and_earnings_repay_it(books: Books, issued: UUID, user: UUID) -> None:
    credit = await books.post({issued: -250, user: 250})
    await books.post({issued: 200, user: -200})
    await books.post({issued: 250, user: -250}, reverses=credit)
    assert await books.balance(user) == -200
    with pytest.raises(asyncpg.CheckViolationError):
        await books.post({issued: 1, user: -1})
    await books.post({issued: -50, user: 50})
    assert await books.balance(user) == -150


async def test_l6_a_transaction_is_reversed_once(books: Books, issued: UUID, user: UUID) -> None:
    credit = await books.post({issued: -250, user: 250})
    await books.post({issued: 250, user: -250}, reverses=credit)
    with pytest.raises(asyncpg.UniqueViolationError) as refusal:
        await books.post({issued: 250, user: -250}, reverses=credit)
    assert _name(refusal) == "uq_transaction_reverses_id"


@pytest.mark.parametrize("amount", [1, 249, 251])
async def test_l6_a_reversal_undoes_all_of_it_and_no_more(books: Books, issued: UUID, user: UUID, amount: int) -> None:
    credit = await books.post({issued: -250, user: 250})
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        await books.post({issued: amount, user: -amount}, reverses=credit)
    assert _name(refusal) == "reversal_undoes_its_transaction"


async def test_l6_a_reversal_takes_from_nobody_else(books: Books, issued: UUID, user: UUID) -> None:
    other = await books.account()
    await books.post({issued: -250, other: 250})
    credit = await books.post({issued: -250, user: 250})
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        await books.post({issued: 250, other: -250}, reverses=credit)
    assert _name(refusal) == "reversal_undoes_its_transaction"


async def test_l6_a_reversal_is_final(books: Books, issued: UUID, user: UUID) -> None:
    credit = await books.post({issued: -250, user: 250})
    reversal = await books.post({issued: 250, user: -250}, reverses=credit)
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        await books.post({issued: -250, user: 250}, reverses=reversal)
    assert _name(refusal) == "reversal_is_final"


async def _task(sql: asyncpg.Connection) -> UUID:
    async with sql.transaction():
        task_id = await sql.fetchval(
            "INSERT INTO task (user_id, app_id, app_name, package_name, points, expires_at)"
            " VALUES (gen_random_uuid(), gen_random_uuid(), 'x', 'x.y', 250, now()) RETURNING id"
        )
        proof_id = await sql.fetchval(
            "INSERT INTO proof"
            " (task_id, attempt, file_sha256, pixels_sha256, image_sha256, thumbnail_sha256, width, height)"
            " VALUES ($1, 1, 'a', 'b', 'c', 'd', 400, 400) RETURNING id",
            task_id,
        )
        await sql.execute("UPDATE task SET status = 'submitted', attempts = 1, proof_id = $1", proof_id)
    return task_id


async def test_l7_a_task_is_not_approved_without_its_credit(sql: asyncpg.Connection) -> None:
    task_id = await _task(sql)
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        await sql.execute("UPDATE task SET status = 'approved' WHERE id = $1", task_id)
    assert _name(refusal) == "task_approved_with_credit"


async def test_l7_a_task_is_not_credited_without_approval(
    books: Books, issued: UUID, user: UUID, sql: asyncpg.Connection
) -> None:
    task_id = await _task(sql)
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        await books.post({issued: -250, user: 250}, kind="task.approve", reference=str(task_id), task_id=task_id)
    assert _name(refusal) == "task_approved_with_credit"


async def _approve(books: Books, issued: UUID, user: UUID, task_id: UUID) -> UUID:
    async with books.sql.transaction():
        await books.sql.execute("UPDATE task SET status = 'approved' WHERE id = $1", task_id)
        return await books.post({issued: -250, user: 250}, kind="task.approve", reference=str(task_id), task_id=task_id)


async def test_l7_an_approved_task_does_not_go_back(
    books: Books, issued: UUID, user: UUID, sql: asyncpg.Connection
) -> None:
    task_id = await _task(sql)
    await _approve(books, issued, user, task_id)
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        await sql.execute("UPDATE task SET status = 'rejected' WHERE id = $1", task_id)
    assert _name(refusal) == "task_approved_with_credit"


async def test_l7_a_task_is_reversed_with_its_credit_or_not_at_all(
    books: Books, issued: UUID, user: UUID, sql: asyncpg.Connection
) -> None:
    task_id = await _task(sql)
    credit = await _approve(books, issued, user, task_id)
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        await sql.execute("UPDATE task SET status = 'reversed' WHERE id = $1", task_id)
    assert _name(refusal) == "task_reversed_with_credit"
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        await books.post({issued: 250, user: -250}, reverses=credit)
    assert _name(refusal) == "task_reversed_with_credit"
    async with sql.transaction():
        await sql.execute("UPDATE task SET status = 'reversed' WHERE id = $1", task_id)
        await books.post({issued: 250, user: -250}, reverses=credit)
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        await sql.execute("UPDATE task SET status = 'approved' WHERE id = $1", task_id)
    assert _name(refusal) == "task_reversed_with_credit"


async def test_l7_a_credit_names_its_task(books: Books, issued: UUID, user: UUID) -> None:
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        await books.post({issued: -250, user: 250}, kind="task.approve", reference=str(uuid4()))
    assert _name(refusal) == "ck_transaction_credit_names_task"
