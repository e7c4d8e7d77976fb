"""A bell on arq: a worker that does one piece of work on the minute, at its start, and whenever somebody rings.

What is to be done is in Postgres, never in the queue. So a bell may ring late, twice, or from two machines, the queue
may be empty or away, and a ring that fails costs only time until the next one. Needs the extra ``servicekit[jobs]``.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import structlog
from arq import Worker, cron, func
from arq.connections import ArqRedis, RedisSettings, create_pool
from arq.constants import health_check_key_suffix
from pydantic import SecretStr
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from servicekit import traces
from servicekit.logs import get_logger

RING_SECONDS = 2.0
QUEUE_PATIENCE = 60  # seconds without the queue before the worker gives up and leaves it to its supervisor
LAST_WORDS = 5  # seconds that the work has to finish after SIGTERM before it is cancelled
CLOSE_SECONDS = 2
TRIES = 5

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bell:
    """Which queue is rung for which job, on which minutes of the hour unasked, and how long the work may take."""

    queue: str
    job: str
    minutes: frozenset[int] = field(default=frozenset({0, 15, 30, 45}))
    job_seconds: int = 900  # also how long arq keeps another worker from repeating a job whose worker was lost


class Ringer(Protocol):
    """How a service asks its worker to work now."""

    async def ring(self) -> None:
        """Ask. Never fails: the next tick does what a lost ring asked for."""

    async def close(self) -> None:
        """Give back what was opened."""


class SilentRinger:
    """Rings nothing: for a service without a queue, and for tests, which look at how often it was asked."""

    def __init__(self) -> None:
        self.rings = 0

    async def ring(self) -> None:
        """Count."""
        self.rings += 1

    async def close(self) -> None:
        """Nothing to do."""


class ArqRinger:
    """Rings through the worker's queue. Connects when it is first rung, and again after a failure."""

    def __init__(self, url: SecretStr, bell: Bell) -> None:
        self._bell = bell
        self._settings = redis_settings(url, retries=0)
        self._pool: ArqRedis | None = None

    async def ring(self) -> None:
        """Enqueue the work, each time as a job of its own: a ring while it is being done must lead to another round."""
        try:
            async with asyncio.timeout(RING_SECONDS):
                if self._pool is None:
                    self._pool = await create_pool(
                        self._settings,
                        default_queue_name=self._bell.queue,
                        job_serializer=dump,
                        job_deserializer=json.loads,
                    )
                await self._pool.enqueue_job(self._bell.job, **_context())
        except (OSError, RedisError) as error:  # TimeoutError is an OSError
            log.warning("bell.silent", error=type(error).__name__)

    async def close(self) -> None:
        """Give the connections back."""
        if self._pool is not None:
            with suppress(OSError, RedisError):  # a queue that does not say goodbye in time is left to the system
                await self._pool.aclose(close_connection_pool=True)


async def work_on_rings(work: Callable[[], Awaitable[object]], url: SecretStr, bell: Bell) -> None:
    """Do ``work`` at the start, on each tick and on each ring, until SIGTERM or SIGINT.

    Raises RedisError or OSError when the queue stays away for a minute.
    """
    worker = build_worker(work, url, bell)
    try:
        await worker.async_run()
    except asyncio.CancelledError:
        log.info("worker.stopped")
    finally:
        await _close(worker)


async def worker_lives(url: SecretStr, bell: Bell) -> bool:
    """Whether a worker of this bell has said within the last half minute that it lives. A queue that is away: no."""
    try:
        async with asyncio.timeout(RING_SECONDS):
            pool = await create_pool(redis_settings(url, retries=0))
            try:
                return bool(await pool.exists(bell.queue + health_check_key_suffix))
            finally:
                await pool.aclose(close_connection_pool=True)
    except (OSError, RedisError):  # TimeoutError is an OSError
        return False


def build_worker(
    work: Callable[[], Awaitable[object]], url: SecretStr, bell: Bell, *, handle_signals: bool = True
) -> Worker:
    """The arq worker around ``work``. To be called in a running event loop."""

    async def job(ctx: dict[Any, Any], *_args: Any, **context: Any) -> None:
        request_id = str(context.get("request_id") or ctx["job_id"])
        with structlog.contextvars.bound_contextvars(request_id=request_id), traces.job_span(bell.job, context):
            await work()

    # By default an interrupted cron job is forgotten. keep_result keeps a second worker whose clock is ahead from
    # running the same tick again.
    tick = cron(
        job,
        name="tick",
        minute=set(bell.minutes),
        run_at_startup=True,
        max_tries=TRIES,
        timeout=bell.job_seconds,
        keep_result=3600,
    )
    return Worker(
        functions=[func(job, name=bell.job, max_tries=TRIES, timeout=bell.job_seconds, keep_result=0)],
        cron_jobs=[tick],
        redis_settings=redis_settings(url, retries=QUEUE_PATIENCE),
        queue_name=bell.queue,
        timezone=UTC,
        job_serializer=dump,
        job_deserializer=json.loads,
        job_timeout=bell.job_seconds,
        job_completion_wait=LAST_WORDS,
        health_check_interval=30,
        handle_signals=handle_signals,
    )


def _context() -> dict[str, Any]:
    """Of the request that rings: its id, for the log of the worker, and its trace."""
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    return traces.here() | ({"request_id": request_id} if request_id else {})


def redis_settings(url: SecretStr, *, retries: int) -> RedisSettings:
    """arq's settings for this URL; ``retries`` is for how many seconds a queue that is away is waited for."""
    parts = urlsplit(url.get_secret_value())
    return RedisSettings(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 6379,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        database=int(parts.path.lstrip("/") or 0),
        ssl=parts.scheme == "rediss",
        ssl_check_hostname=parts.scheme == "rediss",
        conn_timeout=1,
        conn_retries=retries,
        conn_retry_delay=1,
        # redis-py's own errors are not enough: a refused connection is the builtin OSError, and kills the worker.
        retry=Retry(ConstantBackoff(1), retries) if retries else None,
        retry_on_error=[RedisConnectionError, RedisTimeoutError, OSError] if retries else None,
    )


def dump(job: Any) -> bytes:
    """A job as JSON instead of arq's pickle: what is read from a queue must not be able to run code."""
    return json.dumps(job, default=str).encode()


async def _close(worker: Worker) -> None:
    try:
        async with asyncio.timeout(CLOSE_SECONDS):  # it tells the queue that it is gone, however long that is away
            await worker.close()
    except (OSError, RedisError, asyncio.CancelledError) as error:
        # Without a queue there is nothing to tidy up in it.
        log.warning("worker.closed_without_queue", error=type(error).__name__)
