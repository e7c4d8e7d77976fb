"""Alembic, the same for every service. Migrations live in ``<package>/migrations`` and travel with the package."""

import asyncio
from pathlib import Path

from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection, MetaData, pool
from sqlalchemy.ext.asyncio import create_async_engine

from servicekit.db import driver_url
from servicekit.logs import get_logger
from servicekit.schema_head import current_revisions, is_newer

log = get_logger(__name__)


def config(package_file: str, url: str) -> Config:
    """Alembic's configuration for the package whose ``__file__`` is given."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(package_file).parent / "migrations"))
    settings.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    settings.attributes["url"] = driver_url(url)
    return settings


def upgrade(package_file: str, url: str) -> None:
    """Bring the schema to head. Safe to run again, and by several at once: an advisory lock makes them queue.

    One that a newer release made stays as it is, as after a roll-back.
    """
    if current := asyncio.run(_newer(package_file, url)):
        log.warning("migrate.newer", schema=sorted(current), detail="a newer release made it; nothing to do")
        return
    command.upgrade(config(package_file, url), "head")


async def _newer(package_file: str, url: str) -> set[str]:
    """Where the schema is, if only a newer release knows that."""
    engine = create_async_engine(driver_url(url), poolclass=pool.NullPool)
    try:
        async with engine.connect() as connection:
            current = await current_revisions(connection)
    finally:
        await engine.dispose()
    return current if is_newer(current, package_file) else set()


def run_env(metadata: MetaData) -> None:
    """The body of every service's ``migrations/env.py``."""
    url: str = context.config.attributes["url"]
    asyncio.run(_run_online(url, metadata))


async def _run_online(url: str, metadata: MetaData) -> None:
    engine = create_async_engine(url, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_migrate, metadata)
        await connection.commit()
    await engine.dispose()


def _migrate(connection: Connection, metadata: MetaData) -> None:
    context.configure(connection=connection, target_metadata=metadata, compare_server_default=False)
    with context.begin_transaction():
        # Two deployments may migrate at once. The lock ends with the transaction.
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(20261121)")
        context.run_migrations()
