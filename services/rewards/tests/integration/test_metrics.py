"""What Prometheus is told moves when the thing happens: the review queue, and the ledger."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from rewards_service.clients.accounts import FakeAccounts
from rewards_service.clients.catalog import FakeCatalog
from rewards_service.main import create_app
from rewards_service.repositories.ledger import LedgerRepository
from rewards_service.services.chain import seal
from rewards_service.settings import Settings
from servicekit import testing
from servicekit.db import Database

pytestmark = pytest.mark.integration


async def scrape(client: httpx.AsyncClient) -> dict[str, float]:
    """Values by name with labels, without the histograms and the process."""
    text = (await client.get("/internal/metrics")).raise_for_status().text
    return {name: float(value) for name, value in re.findall(r"^((?:rewards_|appraise_).*) (\S+)$", text, re.MULTILINE)}


async def test_the_queue_is_as_long_and_as_old_as_what_waits(
    person: Any, offered: Any, sql: asyncpg.Connection
) -> None:
    user, reviewer = person(), person("reviewer")
    assert (await scrape(user.client))["rewards_reviews_waiting"] == 0
    first, _ = [await user.submitted_task(offered()) for _ in range(2)]
    await sql.execute("UPDATE task SET submitted_at = now() - interval '1 hour' WHERE id = $1", first)
    found = await scrape(user.client)
    assert found["rewards_reviews_waiting"] == 2
    assert 3600 <= found["rewards_reviews_oldest_seconds"] < 5400
    await reviewer.decide(first, decision="approve")
    found = await scrape(user.client)
    assert (found["rewards_reviews_waiting"], found['appraise_measured{what="reviews"}']) == (1, 1)
    assert found["rewards_reviews_oldest_seconds"] < 1800


@pytest.fixture
async def watched(app: FastAPI, settings: Settings, catalog: FakeCatalog) -> AsyncIterator[httpx.AsyncClient]:
    """A replica that looks at the whole ledger with each scrape."""
    assert app  # its tables are empty
    eager = settings.model_copy(update={"ledger_seconds": 0.0})
    replica = create_app(eager, keys=testing.test_keys(), catalog=catalog, accounts=FakeAccounts())
    async with testing.running(replica), testing.client_of(replica) as client:
        yield client


async def test_a_ledger_that_does_not_hold_is_told_by_what_is_wrong_with_it(
    watched: httpx.AsyncClient, person: Any, offered: Any, sql: asyncpg.Connection
) -> None:
    await person("reviewer").decide(await person().submitted_task(offered()), decision="approve")
    found = await scrape(watched)
    faults = {name: value for name, value in found.items() if name.startswith("rewards_ledger_faults")}
    assert len(faults) == 6
    assert set(faults.values()) == {0}
    assert found['rewards_ledger_lines{kind="entries"}'] == 2
    await sql.execute("SET session_replication_role = replica")
    await sql.execute("UPDATE account SET balance = balance + 1 WHERE user_id IS NOT NULL")
    await sql.execute("UPDATE entry SET amount = amount + 5 WHERE amount > 0")
    found = await scrape(watched)
    assert {name: value for name, value in found.items() if value != faults.get(name, value)} == {
        'rewards_ledger_faults{check="sum"}': 5,
        'rewards_ledger_faults{check="mismatched_balances"}': 1,
        'rewards_ledger_faults{check="unbalanced_transactions"}': 1,
    }


async def test_what_waits_for_its_seal_has_an_age(
    watched: httpx.AsyncClient, app: FastAPI, person: Any, offered: Any, sql: asyncpg.Connection
) -> None:
    assert (await scrape(watched))["rewards_ledger_unsealed_seconds"] == 0
    await person("reviewer").decide(await person().submitted_task(offered()), decision="approve")
    await sql.execute("SET session_replication_role = replica")
    await sql.execute("UPDATE transaction SET created_at = now() - interval '10 minutes'")
    assert (await scrape(watched))["rewards_ledger_unsealed_seconds"] >= 600
    await seal(app.state.database)
    assert (await scrape(watched))["rewards_ledger_unsealed_seconds"] == 0


async def test_a_look_at_the_whole_ledger_may_take_longer_than_a_request(settings: Settings) -> None:
    one_connection = Database(settings.model_copy(update={"database_pool_size": 1}), application_name="test")

    async def limit(session: AsyncSession) -> str:
        return str(await session.scalar(text("SHOW statement_timeout")))

    async with one_connection.transaction() as session:
        usual = await limit(session)
        await LedgerRepository(session).take_time(timedelta(minutes=2))
        assert await limit(session) == "2min"
    async with one_connection.transaction() as session:
        assert await limit(session) == usual
    await one_connection.close()


async def test_the_whole_ledger_is_looked_at_only_now_and_then(
    app: FastAPI, settings: Settings, sql: asyncpg.Connection
) -> None:
    assert app  # its tables are empty
    patient = create_app(settings, keys=testing.test_keys(), catalog=FakeCatalog(), accounts=FakeAccounts())
    async with testing.running(patient), testing.client_of(patient) as client:
        first = await scrape(client)
        await sql.execute("SET session_replication_role = replica")
        await sql.execute("INSERT INTO account (user_id, balance) VALUES (gen_random_uuid(), 7)")
        assert await scrape(client) == first
