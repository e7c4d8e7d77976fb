"""The arq worker: reconciles every quarter of an hour, when it starts, and when the API asks."""

from contextlib import AsyncExitStack

from pydantic import SecretStr

from isin_worker.compose import open_reconciler
from isin_worker.jobs import BELL
from isin_worker.settings import Settings
from servicekit.jobs import work_on_rings


async def run_worker(settings: Settings, redis_url: SecretStr) -> None:
    """Work until SIGTERM or SIGINT.

    Raises RedisError or OSError when the queue stays away, and at the start what `open_reconciler` raises.
    """
    async with AsyncExitStack() as stack:
        reconciler = await open_reconciler(settings, stack)
        await work_on_rings(reconciler.reconcile, redis_url, BELL)
