"""How a reconciler is put together: the same for the worker and for the command."""

from contextlib import AsyncExitStack
from datetime import timedelta

import httpx

import isin_worker
from isin_worker.pipeline.guard import GuardedTransport
from isin_worker.pipeline.progress import Progress, Unwatched
from isin_worker.pipeline.run import Pipeline
from isin_worker.reconcile import Patience, Reconciler
from isin_worker.settings import Settings
from servicekit.db import Database
from servicekit.schema_head import require_head


async def open_reconciler(settings: Settings, stack: AsyncExitStack, progress: Progress | None = None) -> Reconciler:
    """A reconciler with a database and an HTTP client that ``stack`` closes.

    Raises SchemaNotAtHead, and OSError or SQLAlchemy's DBAPIError when the database does not answer.
    """
    database = Database(settings, application_name="isin-worker")
    stack.push_async_callback(database.close)
    async with database.engine.connect() as connection:
        await require_head(connection, str(isin_worker.__file__))
    client = await stack.enter_async_context(_publishers_client(settings))
    pipeline = Pipeline(
        database,
        client,
        spool=settings.spool_dir,
        fetch_seconds=settings.fetch_seconds,
        progress=progress or Unwatched(),
    )
    patience = Patience(
        lease=timedelta(seconds=settings.lease_seconds),
        max_attempts=settings.max_attempts,
        backoff=timedelta(seconds=settings.backoff_seconds),
    )
    return Reconciler(database, pipeline, settings.enabled_feeds(), patience)


def _publishers_client(settings: Settings) -> httpx.AsyncClient:
    """A client for publishers' servers: patient, and each redirect is looked at by the fetch."""
    transport = GuardedTransport(settings.private_hosts)
    timeout = httpx.Timeout(30.0, connect=10.0)
    return httpx.AsyncClient(transport=transport, timeout=timeout, follow_redirects=False, trust_env=False)
