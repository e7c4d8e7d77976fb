import os

import asyncpg
import pytest

pytestmark = pytest.mark.integration


async def test_the_test_run_has_a_postgres_18_with_the_builtin_unicode_locale() -> None:
    connection = await asyncpg.connect(os.environ["APPRAISE_TEST_POSTGRES_URL"])
    try:
        assert await connection.fetchval("SHOW server_version_num") >= "180000"
        assert await connection.fetchval("SELECT datlocale FROM pg_database WHERE datname = 'postgres'") == "C.UTF-8"
        assert await connection.fetchval("SHOW data_checksums") == "on"
    finally:
        await connection.close()
