"""Bare arq: a cron job with arq's own defaults. ``arq on_arq.WorkerSettings``."""

import asyncio
import time

from arq import create_pool, cron
from arq.connections import RedisSettings
from job import BROKER, PERIOD, insert, work_async


async def tick(ctx: dict) -> None:
    """One tick; arq gives each tick one id, whoever enqueues it."""
    await work_async(ctx["job_id"])


async def row(_ctx: dict, sent: float) -> None:
    """The quick job."""
    insert(sent)


class WorkerSettings:
    """What the command reads."""

    redis_settings = RedisSettings.from_dsn(BROKER)
    functions = (row,)
    cron_jobs = (cron(tick, second=set(range(0, 60, PERIOD))),)


async def _send(count: int, pause: float) -> None:
    pool = await create_pool(WorkerSettings.redis_settings)
    for _ in range(count):
        await pool.enqueue_job("row", time.time())
        await asyncio.sleep(pause)
    await pool.aclose()


def send(count: int, pause: float) -> None:
    """Enqueue so many quick jobs."""
    asyncio.run(_send(count, pause))
