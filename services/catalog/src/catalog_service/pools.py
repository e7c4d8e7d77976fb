"""Connections of asyncpg's own, beside the engine's: for hot reads, and for what SQLAlchemy has no word for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from servicekit.db import SERVER_SETTINGS
from servicekit.settings import DatabaseSettings


@asynccontextmanager
async def read_pool(settings: DatabaseSettings, *, application_name: str) -> AsyncIterator[Any]:
    """An ``asyncpg.Pool`` beside the engine, for hot reads of one statement each, which see what is committed.

    Of its own, since a connection lent by the engine costs more than the statement: its checkout, a ping, and a
    transaction around it. One that was lost is noticed by the driver and replaced; nothing is ever set that a reset
    would have to take back.
    """
    server = {
        **SERVER_SETTINGS,
        "application_name": application_name,
        "default_transaction_read_only": "on",
        "plan_cache_mode": "force_generic_plan",  # planning anew each time would cost as much as the statement
        "work_mem": "16MB",  # what an index finds of a million rows fits, and need not be looked through again
    }
    size = settings.database_pool_size
    async with _pool(settings, max_size=size, reset=_no_reset, server_settings=server) as pool:
        yield pool


@asynccontextmanager
async def work_pool(settings: DatabaseSettings, *, application_name: str) -> AsyncIterator[Any]:
    """An ``asyncpg.Pool`` for what SQLAlchemy has no word for, such as COPY: a few connections, opened when needed."""
    server = {**SERVER_SETTINGS, "application_name": application_name}
    async with _pool(settings, max_size=4, server_settings=server) as pool:
        yield pool


def _pool(settings: DatabaseSettings, **options: Any) -> Any:
    return asyncpg.create_pool(settings.database_url.get_secret_value(), min_size=0, timeout=5, **options)


async def _no_reset(_connection: object) -> None:
    pass
