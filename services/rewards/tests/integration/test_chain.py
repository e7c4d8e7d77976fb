"""The chain of seals: who changes one byte of the ledger breaks it, and `verify` names where."""

import asyncio
from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI
from sqlalchemy.exc import IntegrityError

from rewards_service.repositories.ledger import ISSUED, Event, LedgerRepository
from rewards_service.services.chain import check_chain, seal
from servicekit.db import Database

pytestmark = pytest.mark.integration


@pytest.fixture
def database(app: FastAPI) -> Database:
    found: Database = app.state.database
    return found


@pytest.fixture
async def booked(person: Any, database: Database) -> Any:
    """Books some credits."""
    user = person()

    async def book(*references: int) -> None:
        async with database.transaction() as session:
            ledger = LedgerRepository(session)
            issued, earner = await ledger.accounts(ISSUED, user.id)
            for reference in references:
                await ledger.post(Event("test", str(reference), "é", user.id), {issued: -10, earner: 10})

    return book


async def test_what_is_booked_is_sealed_once(booked: Any, database: Database) -> None:
    assert await seal(database) == 0
    assert (await check_chain(database)).model_dump() == {"sealed": 0, "unsealed": 0, "head": None, "broken": None}
    await booked(1, 2, 3)
    assert (await check_chain(database)).unsealed == 3
    assert await seal(database) == 3
    assert await seal(database) == 0
    first = await check_chain(database)
    assert (first.sealed, first.unsealed, first.broken) == (3, 0, None)
    await booked(4)
    assert await seal(database) == 1
    second = await check_chain(database)
    assert (second.sealed, second.broken) == (4, None)
    assert second.head != first.head


async def test_of_ten_that_seal_at_once_one_does_it(booked: Any, database: Database) -> None:
    await booked(*range(20))
    assert sum(await asyncio.gather(*(seal(database) for _ in range(10)))) == 20
    chain = await check_chain(database)
    assert (chain.sealed, chain.unsealed, chain.broken) == (20, 0, None)


async def test_a_batch_ends_and_the_next_goes_on(
    booked: Any, database: Database, lines_read: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rewards_service.services.chain.BATCH", 2)
    await booked(*range(5))
    lines_read.clear()
    assert await seal(database) == 5
    chain = await check_chain(database)
    assert lines_read == [2, 2, 1, 0] * 2
    assert (chain.sealed, chain.broken) == (5, None)


async def test_a_batch_that_fails_leaves_those_before_it_sealed(
    booked: Any, database: Database, sql: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rewards_service.services.chain.BATCH", 2)
    await booked(*range(5))
    await sql.execute("ALTER TABLE seal ADD CONSTRAINT not_yet CHECK (position <= 3)")
    try:
        with pytest.raises(IntegrityError):
            await seal(database)
    finally:
        await sql.execute("ALTER TABLE seal DROP CONSTRAINT not_yet")
    chain = await check_chain(database)
    assert (chain.sealed, chain.unsealed, chain.broken) == (2, 3, None)
    assert await seal(database) == 3


async def test_a_transaction_that_commits_late_is_sealed_later(
    booked: Any, database: Database, sql: asyncpg.Connection
) -> None:
    late = sql.transaction()
    await late.start()
    transaction_id = await sql.fetchval(
        "INSERT INTO transaction (kind, reference, size, description, created_by)"
        " VALUES ('test', 'late', 2, 'x', gen_random_uuid()) RETURNING id"
    )
    for name, amount in (("a", 5), ("b", -5)):
        account_id = await sql.fetchval("INSERT INTO account (name) VALUES ($1) RETURNING id", name)
        await sql.execute(
            "INSERT INTO entry (transaction_id, account_id, amount) VALUES ($1, $2, $3)",
            transaction_id, account_id, amount,
        )  # fmt: skip
    await booked(1)
    assert await seal(database) == 1
    await late.commit()
    assert await seal(database) == 1
    chain = await check_chain(database)
    assert (chain.sealed, chain.unsealed, chain.broken) == (2, 0, None)


CHANGES = {
    "an amount": "UPDATE entry SET amount = 11 WHERE amount = 10 AND transaction_id = $1",
    "a balance": "UPDATE entry SET balance_after = balance_after + 1 WHERE amount = 10 AND transaction_id = $1",
    "a text": "UPDATE transaction SET description = 'è' WHERE id = $1",
    "a time": "UPDATE transaction SET created_at = created_at + interval '1 microsecond' WHERE id = $1",
    "a doer": "UPDATE transaction SET created_by = gen_random_uuid() WHERE id = $1",
    "an entry more": "INSERT INTO entry (transaction_id, account_id, amount, id)"
    " SELECT transaction_id, account_id, 1, 999 FROM entry WHERE transaction_id = $1 LIMIT 1",
    "an entry less": "DELETE FROM entry WHERE amount < 0 AND transaction_id = $1",
    "a transaction less": "DELETE FROM transaction WHERE id = $1",
    "a bit of a seal": "UPDATE seal SET hash = set_bit(hash, 0, 1 - get_bit(hash, 0)) WHERE transaction_id = $1",
    "a seal less": "DELETE FROM seal WHERE transaction_id = $1",
    "two transactions swapped": "UPDATE seal SET position = 100 - position WHERE transaction_id = $1",
}


GONE, MISSING = "the transaction is gone", "the seal is missing; the next one is number 4"
CHANGED = "the transaction, an entry of it or the seal was changed"


@pytest.mark.parametrize("change", CHANGES)
async def test_the_first_broken_link_is_named(
    booked: Any, database: Database, sql: asyncpg.Connection, change: str
) -> None:
    for reference in range(5):
        await booked(reference)
    await seal(database)
    third = await sql.fetchval("SELECT transaction_id FROM seal WHERE position = 3")
    await sql.execute("SET session_replication_role = replica")
    await sql.execute(CHANGES[change], third)
    chain = await check_chain(database)
    assert chain.broken is not None
    assert (chain.sealed, chain.broken.position) == (2, 3)
    lost = {"a transaction less": GONE, "a seal less": MISSING, "two transactions swapped": MISSING}
    assert chain.broken.detail == lost.get(change, CHANGED)
    fourth = await sql.fetchval("SELECT transaction_id FROM seal WHERE position = 4")
    assert chain.broken.transaction_id == (fourth if lost.get(change) == MISSING else third)
    second = await sql.fetchval("SELECT encode(hash, 'hex') FROM seal WHERE position = 2")
    assert chain.head == second


async def test_an_account_that_gets_another_owner_breaks_the_chain(
    booked: Any, database: Database, sql: asyncpg.Connection
) -> None:
    await booked(1)
    await seal(database)
    await sql.execute("UPDATE account SET user_id = gen_random_uuid() WHERE user_id IS NOT NULL")
    assert (await check_chain(database)).broken is not None


async def test_administrators_are_told(person: Any, booked: Any, database: Database, sql: asyncpg.Connection) -> None:
    await booked(1, 2)
    await seal(database)
    admin = person("admin")
    good = (await admin.get("/api/v1/points/verify")).json()
    assert (good["ok"], good["chain"]["sealed"], good["chain"]["broken"]) == (True, 2, None)
    await sql.execute("SET session_replication_role = replica")
    await sql.execute("UPDATE transaction SET description = 'x'")
    bad = (await admin.get("/api/v1/points/verify")).json()
    assert (bad["ok"], bad["chain"]["broken"]["position"]) == (False, 1)
