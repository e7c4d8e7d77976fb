"""After a roll-back the schema is the newer release's: this one works with it, and its migrations leave it alone."""

import asyncio

import asyncpg
import pytest
from sqlalchemy import pool
from sqlalchemy.ext.asyncio import create_async_engine

import auth_service
from servicekit import migrations
from servicekit.db import driver_url
from servicekit.schema_head import SchemaNotAtHead, require_head
from servicekit.testing import create_database

pytestmark = pytest.mark.integration


async def at(url: str, revision: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("UPDATE alembic_version SET version_num = $1", revision)
    await connection.close()


async def start(url: str) -> None:
    engine = create_async_engine(driver_url(url), poolclass=pool.NullPool)
    try:
        async with engine.connect() as connection:
            await require_head(connection, str(auth_service.__file__))
    finally:
        await engine.dispose()


async def test_a_schema_that_a_newer_release_made_is_worked_with_and_left_alone() -> None:
    url = await create_database(str(auth_service.__file__), "newer_schema")
    await at(url, "9999")
    await start(url)
    await asyncio.to_thread(migrations.upgrade, str(auth_service.__file__), url)
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("SELECT version_num FROM alembic_version") == "9999"
    await connection.close()


async def test_an_older_schema_is_refused() -> None:
    url = await create_database(str(auth_service.__file__), "older_schema")
    await at(url, "0001")
    with pytest.raises(SchemaNotAtHead, match="run `migrate`"):
        await start(url)
