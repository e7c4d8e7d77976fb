"""The ledger against a model in plain Python: the same answers, step by step, whatever the steps."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rewards_service.repositories.ledger import ISSUED, BelowZero, Event, LedgerRepository
from rewards_service.services.ledger import verify
from servicekit import testing
from servicekit.db import Database

pytestmark = pytest.mark.integration

PEOPLE = [uuid4() for _ in range(3)]
BY = uuid4()

people = st.sampled_from(range(len(PEOPLE)))
amounts = st.integers(1, 1_000)
references = st.integers(0, 12)  # few, so that they repeat
steps = st.one_of(
    st.tuples(st.just("credit"), people, amounts, references),
    st.tuples(st.just("spend"), people, amounts, references),
    st.tuples(st.just("give"), people, people, amounts, references),
    st.tuples(st.just("reverse"), references),
)


@dataclass
class Model:
    """What the ledger should do: a dictionary of balances and a list of what was booked."""

    balances: dict[int, int] = field(default_factory=lambda: dict.fromkeys(range(len(PEOPLE)), 0))
    booked: dict[tuple[str, int], dict[int, int]] = field(default_factory=dict)
    reversed: set[int] = field(default_factory=set)

    def post(self, kind: str, reference: int, amounts: dict[int, int], *, reversal: bool = False) -> str:
        if (kind, reference) in self.booked:
            return "known"
        if not reversal and any(amount < 0 and self.balances[who] + amount < 0 for who, amount in amounts.items()):
            return "refused"
        for who, amount in amounts.items():
            self.balances[who] += amount
        self.booked[kind, reference] = amounts
        return "booked"


class Ledger:
    """The real one, driven by the same steps."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.ids: dict[tuple[str, int], UUID] = {}

    async def post(self, kind: str, reference: int, amounts: dict[int, int], reverses: UUID | None = None) -> str:
        try:
            async with self.database.transaction() as session:
                ledger = LedgerRepository(session)
                accounts = {who: await ledger.accounts(ISSUED, PEOPLE[who]) for who in amounts}
                booked = {accounts[who][1]: amount for who, amount in amounts.items()}
                if rest := -sum(amounts.values()):
                    booked[next(iter(accounts.values()))[0]] = rest
                event = Event(kind, str(reference), "x", BY, reverses_id=reverses)
                transaction_id = await ledger.post(event, booked)
        except BelowZero:
            return "refused"
        if transaction_id is None:
            return "known"
        self.ids[kind, reference] = transaction_id
        return "booked"

    async def balances(self) -> dict[int, int]:
        async with self.database.transaction() as session:
            return {who: (await LedgerRepository(session).balance(user))[0] for who, user in enumerate(PEOPLE)}


async def _both(model: Model, ledger: Ledger, step: tuple[Any, ...]) -> tuple[str, str]:
    match step:
        case ("credit", who, amount, reference):
            return model.post("credit", reference, {who: amount}), await ledger.post("credit", reference, {who: amount})
        case ("spend", who, amount, reference):
            return model.post("spend", reference, {who: -amount}), await ledger.post("spend", reference, {who: -amount})
        case ("give", giver, taker, amount, reference) if giver != taker:
            amounts = {giver: -amount, taker: amount}
            return model.post("give", reference, amounts), await ledger.post("give", reference, amounts)
        case ("reverse", reference) if ("credit", reference) in model.booked:
            undone = {who: -amount for who, amount in model.booked["credit", reference].items()}
            expected = model.post("reverse", reference, undone, reversal=True)
            return expected, await ledger.post("reverse", reference, undone, ledger.ids["credit", reference])
    return "", ""


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=st.lists(steps, min_size=5, max_size=40))
async def test_the_ledger_does_what_the_model_does(
    app: FastAPI, database_url: str, plan: list[tuple[Any, ...]]
) -> None:
    await testing.empty_tables(database_url)
    database: Database = app.state.database
    model, ledger = Model(), Ledger(database)
    for step in plan:
        expected, got = await _both(model, ledger, step)
        assert got == expected, step
        assert await ledger.balances() == model.balances
    result = await verify(database)
    assert result.ok
    assert (result.transactions, result.sum) == (len(model.booked), 0)


async def test_lines_of_the_statement_follow_the_balance_under_contention(
    app: FastAPI, sql: asyncpg.Connection
) -> None:
    import asyncio

    ledger = Ledger(app.state.database)
    await asyncio.gather(*(ledger.post("credit", number, {0: number + 1}) for number in range(50)))
    rows = await sql.fetch("SELECT amount, balance_after FROM entry WHERE balance_after IS NOT NULL ORDER BY id")
    balance = 0
    for row in rows:
        balance += row["amount"]
        assert row["balance_after"] == balance
    assert balance == 50 * 51 // 2


async def test_a_wrong_balance_is_found(app: FastAPI, sql: asyncpg.Connection) -> None:
    ledger = Ledger(app.state.database)
    await ledger.post("credit", 1, {0: 10})
    await sql.execute("SET session_replication_role = replica")
    await sql.execute("UPDATE account SET balance = balance + 1 WHERE user_id IS NOT NULL")
    result = await verify(app.state.database)
    assert (result.ok, result.mismatched_balances) == (False, 1)


async def test_a_removed_entry_is_found(app: FastAPI, sql: asyncpg.Connection) -> None:
    ledger = Ledger(app.state.database)
    await ledger.post("credit", 1, {0: 10})
    await sql.execute("SET session_replication_role = replica")
    await sql.execute("DELETE FROM entry WHERE amount < 0")
    result = await verify(app.state.database)
    assert (result.ok, result.sum, result.unbalanced_transactions, result.mismatched_balances) == (False, 10, 1, 0)
