"""The arq worker: rings the bell every quarter of an hour, when it starts, and when the API asks."""

import asyncio
import json
from contextlib import AsyncExitStack
from datetime import UTC
from typing import Any

from arq import Worker, cron, func
from pydantic import SecretStr
from redis.exceptions import RedisError

from isin_worker.compose import open_reconciler
from isin_worker.jobs import QUEUE, RECONCILE, dump, redis_settings
from isin_worker.reconcile import Reconciler
from isin_worker.settings import Settings
from servicekit.logs import get_logger

EVERY_QUARTER = {0, 15, 30, 45}
JOB_SECONDS = 900  # also how long arq keeps another worker from repeating a job whose worker was lost
QUEUE_PATIENCE = 60  # seconds without the queue before the worker gives up and leaves it to its supervisor
LAST_WORDS = 5  # seconds that a reconciliation has to finish after SIGTERM; then its lease is given back
CLOSE_SECONDS = 2

log = get_logger(__name__)


async def run_worker(settings: Settings, redis_url: SecretStr) -> None:
    """Work until SIGTERM or SIGINT.

    Raises RedisError or OSError when the queue stays away, and at the start what `open_reconciler` raises.
    """
    async with AsyncExitStack() as stack:
        reconciler = await open_reconciler(settings, stack)
        worker = build_worker(reconciler, redis_url)
        try:
            await worker.async_run()
        except asyncio.CancelledError:
            log.info("worker.stopped")
        finally:
            await _close(worker)


def build_worker(reconciler: Reconciler, redis_url: SecretStr, *, handle_signals: bool = True) -> Worker:
    """The worker around ``reconciler``. To be called in a running event loop."""

    async def reconcile(ctx: dict[Any, Any], *_args: Any, **_kwargs: Any) -> None:  # noqa: ARG001 - arq's form
        await reconciler.reconcile()

    # By default an interrupted cron job is forgotten. keep_result keeps a second worker whose clock is ahead from
    # running the same tick again.
    tick = cron(
        reconcile,
        name="tick",
        minute=EVERY_QUARTER,
        run_at_startup=True,
        max_tries=5,
        timeout=JOB_SECONDS,
        keep_result=3600,
    )
    return Worker(
        functions=[func(reconcile, name=RECONCILE, max_tries=5, timeout=JOB_SECONDS, keep_result=0)],
        cron_jobs=[tick],
        redis_settings=redis_settings(redis_url, retries=QUEUE_PATIENCE),
        queue_name=QUEUE,
        timezone=UTC,
        job_serializer=dump,
        job_deserializer=json.loads,
        job_timeout=JOB_SECONDS,
        job_completion_wait=LAST_WORDS,
        health_check_interval=30,
        handle_signals=handle_signals,
    )


async def _close(worker: Worker) -> None:
    try:
        async with asyncio.timeout(CLOSE_SECONDS):  # it tells the queue that it is gone, however long that is away
            await worker.close()
    except (OSError, RedisError, asyncio.CancelledError) as error:
        # Without a queue there is nothing to tidy up in it.
        log.warning("worker.closed_without_queue", error=type(error).__name__)
