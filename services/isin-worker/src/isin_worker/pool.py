"""Connections of asyncpg's own, beside the engine's, for the one read that is asked for again and again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from isin_worker.settings import Settings
from servicekit.db import SERVER_SETTINGS


@asynccontextmanager
async def read_pool(settings: Settings) -> AsyncIterator[Any]:
    """An ``asyncpg.Pool`` for single statements, which see what is committed; nothing is set that must be reset."""
    server = {
        **SERVER_SETTINGS,
        "application_name": "isin-api",
        "default_transaction_read_only": "on",
        "plan_cache_mode": "force_generic_plan",  # planning anew each time would cost as much as the statement
    }
    url = settings.database_url.get_secret_value()
    size = settings.database_pool_size
    async with asyncpg.create_pool(
        url, min_size=0, max_size=size, timeout=5, reset=_no_reset, server_settings=server
    ) as pool:
        yield pool


async def _no_reset(_connection: object) -> None:
    pass
