"""The arq worker: sweeps each minute, and when it starts. And the same sweep once, without a queue."""

from contextlib import AsyncExitStack

from pydantic import SecretStr

import rewards_service
from media.blobs import BlobStore
from rewards_service.jobs import BELL
from rewards_service.services.sweep import Sweeper
from rewards_service.settings import Settings
from servicekit.db import Database
from servicekit.jobs import work_on_rings
from servicekit.schema_head import require_head


async def run_worker(settings: Settings, redis_url: SecretStr) -> None:
    """Work until SIGTERM or SIGINT.

    Raises RedisError or OSError when the queue stays away, and at the start what `_open` raises.
    """
    async with AsyncExitStack() as stack:
        sweeper = await _open(settings, stack)
        await work_on_rings(sweeper.sweep, redis_url, BELL)


async def sweep_once(settings: Settings) -> dict[str, int]:
    """Sweep, and say how much was done. Raises what `_open` raises."""
    async with AsyncExitStack() as stack:
        return await (await _open(settings, stack)).sweep()


async def _open(settings: Settings, stack: AsyncExitStack) -> Sweeper:
    """A sweeper with a database that ``stack`` closes.

    Raises SchemaNotAtHead, and OSError or SQLAlchemy's DBAPIError when the database does not answer.
    """
    database = Database(settings, application_name="Rewards worker")
    stack.push_async_callback(database.close)
    async with database.engine.connect() as connection:
        await require_head(connection, str(rewards_service.__file__))
    return Sweeper(database, BlobStore(settings.blob_url))
