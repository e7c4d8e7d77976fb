import asyncio

import asyncpg
import pytest
from alembic import command

import isin_worker
from servicekit import migrations

pytestmark = pytest.mark.integration


async def test_the_migrations_make_exactly_what_the_models_say(database_url: str) -> None:
    config = migrations.config(isin_worker.__file__, database_url)
    await asyncio.to_thread(command.check, config)


async def test_the_ledger_itself_refuses_a_second_run_of_a_date_and_counts_that_do_not_add_up(
    db: asyncpg.Connection,
) -> None:
    insert = "INSERT INTO run (feed, business_date, trigger, rows, valid, quarantined, added, changed, unchanged) "
    await db.execute(insert + "VALUES ('f', '2026-11-21', 'api', 3, 2, 1, 1, 0, 1)")
    with pytest.raises(asyncpg.UniqueViolationError):
        await db.execute(insert + "VALUES ('f', '2026-11-21', 'api', 3, 2, 1, 1, 0, 1)")
    with pytest.raises(asyncpg.CheckViolationError):
        await db.execute(insert + "VALUES ('f', '2026-11-22', 'api', 3, 2, 1, 1, 0, 0)")
    with pytest.raises(asyncpg.CheckViolationError):
        await db.execute("UPDATE run SET status = 'running'")
