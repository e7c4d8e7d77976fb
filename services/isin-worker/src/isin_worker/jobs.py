"""The bell: how the API asks for a reconciliation now. One that fails costs only time: the ledger knows what is due."""

import asyncio
import json
from typing import Any
from urllib.parse import unquote, urlsplit

from arq.connections import ArqRedis, RedisSettings, create_pool
from pydantic import SecretStr
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from servicekit.logs import get_logger

QUEUE = "isin:bell"
RECONCILE = "reconcile"
RING_SECONDS = 2.0

log = get_logger(__name__)


class SilentBell:
    """No bell: for an API without a queue, and for tests, which look at how often it was rung."""

    def __init__(self) -> None:
        self.rings = 0

    async def ring(self) -> None:
        """Count."""
        self.rings += 1

    async def close(self) -> None:
        """Nothing to do."""


class ArqBell:
    """Rings through the queue of the arq worker. Connects when it is first rung, and again after a failure."""

    def __init__(self, url: SecretStr) -> None:
        self._settings = redis_settings(url, retries=0)
        self._pool: ArqRedis | None = None

    async def ring(self) -> None:
        """Enqueue a reconciliation, each time a job of its own: a ring during a reconciliation must lead to another."""
        try:
            async with asyncio.timeout(RING_SECONDS):
                if self._pool is None:
                    self._pool = await create_pool(
                        self._settings, default_queue_name=QUEUE, job_serializer=dump, job_deserializer=json.loads
                    )
                await self._pool.enqueue_job(RECONCILE)
        except (OSError, RedisError) as error:  # TimeoutError is an OSError
            log.warning("bell.silent", error=type(error).__name__)

    async def close(self) -> None:
        """Give the connections back."""
        if self._pool is not None:
            await self._pool.aclose(close_connection_pool=True)


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
