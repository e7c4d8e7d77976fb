"""A publisher and a database for every bell."""

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from bells import FEED, Bells

import isin_worker
from isin_worker.testing import Publisher
from servicekit import testing


@pytest.fixture(scope="session")
async def database_url() -> str:
    return await testing.create_database(isin_worker.__file__, "bells")


@pytest.fixture
async def publisher() -> AsyncIterator[Publisher]:
    async with Publisher().serving() as serving:
        yield serving


@pytest.fixture
def environment(database_url: str, publisher: Publisher, tmp_path: Path) -> dict[str, str]:
    return {
        "PATH": f"{os.environ['PATH']}:{Path(sys.executable).parent}",
        "HOME": str(tmp_path),
        "APPRAISE_VAR": str(tmp_path),
        "ISIN_ENVIRONMENT": "test",
        "ISIN_DATABASE_URL": database_url,
        "ISIN_CURSOR_SECRET": testing.TEST_SECRET,
        "ISIN_REDIS_URL": os.environ["APPRAISE_TEST_VALKEY_URL"],
        "ISIN_FEED_URLS": f'{{"{FEED}": "{publisher.url}"}}',
        "ISIN_PRIVATE_HOSTS": '["127.0.0.1"]',
        "ISIN_SPOOL_DIR": str(tmp_path / "spool"),
    }


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    await testing.empty_tables(database_url)
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
def bells(environment: dict[str, str], tmp_path: Path, db: asyncpg.Connection, publisher: Publisher) -> Bells:
    return Bells(environment, tmp_path, db, publisher)
