"""The database: migrations lead to the models, and it holds the rules by itself."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from alembic import command

import catalog_service
from catalog_service.models import Base
from servicekit import migrations

pytestmark = pytest.mark.integration

INSERT = """
    INSERT INTO app (package_name, name, summary, description, category_id, subcategory_id, points, max_completions,
                     status, created_by, changed_by)
    SELECT {package_name}, {name}, '', '', upper_level.id, (SELECT id FROM category WHERE slug = {subcategory}),
           {points}, {max_completions}, {status}, uuidv7(), uuidv7()
    FROM category AS upper_level WHERE slug = 'games'
"""
GOOD = {
    "package_name": "'org.example.Reader'",
    "name": "'Reader'",
    "subcategory": "'puzzle'",
    "points": "1",
    "max_completions": "NULL",
    "status": "'draft'",
}


@pytest.fixture
async def connection(as_user: Any, database_url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def test_models_and_migrations_do_not_drift_apart(database_url: str) -> None:
    config = migrations.config(str(catalog_service.__file__), database_url)
    await asyncio.to_thread(command.check, config)


async def test_generated_columns_are_what_the_models_say(connection: Any) -> None:
    """Alembic does not compare these."""

    def bare(expression: str) -> str:
        return "".join(character for character in expression if character not in " ()")

    query = "SELECT generation_expression FROM information_schema.columns WHERE table_name = 'app' AND column_name = $1"
    columns = [(column.name, column.computed) for column in Base.metadata.tables["app"].c]
    computed = {name: by.sqltext for name, by in columns if by is not None}
    assert set(computed) == {"search", "sort_name"}
    for name, expression in computed.items():
        assert bare(await connection.fetchval(query, name)) == bare(str(expression))


async def test_migrating_again_changes_nothing(database_url: str) -> None:
    await asyncio.to_thread(migrations.upgrade, str(catalog_service.__file__), database_url)


async def test_a_good_row_goes_in(connection: Any) -> None:
    await connection.execute(INSERT.format(**GOOD))
    assert await connection.fetchval("SELECT count(*) FROM app") == 1


@pytest.mark.parametrize(
    "bad",
    [
        {"package_name": "'single'"},
        {"package_name": "'org.example.x; y'"},
        {"package_name": "'o.' || repeat('a', 222)"},
        {"name": "''"},
        {"points": "0"},
        {"points": "1000001"},
        {"max_completions": "0"},
        {"status": "'deleted'"},
        {"subcategory": "'keyboards'"},
        {"subcategory": "'games'"},
    ],
)
async def test_the_database_refuses_what_the_service_would(connection: Any, bad: dict[str, str]) -> None:
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await connection.execute(INSERT.format(**GOOD | bad))
