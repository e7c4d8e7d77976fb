"""The first byte and the delay of events, through the gateway: ``python bench/event_streams.py POSTGRES_URL``.

Prints how long a stream takes from the request to its first byte, and an event from the commit of its cause to the
client, alone and beside eighty other streams; and what an open stream costs the service in memory.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from uuid import UUID, uuid4

import asyncpg
import httpx
import psutil
from catalog_server import published_key, until_it_answers
from rewards_server import prepared_database, served, token

from local_stack.ports import free_ports
from servicekit.testing import bearer

OTHERS = 80
REPEATS = 50
_START = (
    "INSERT INTO task (user_id, app_id, app_name, package_name, points, expires_at) "
    "VALUES ($1, uuidv7(), 'App', 'org.example', 10, now() + interval '1 day')"
)


def gateway(rewards_url: str, jwks_url: str, stack: ExitStack) -> str:
    """A gateway before this rewards service; the other services are not there."""
    (port,) = free_ports(1)
    urls = {f"GATEWAY_{name}_URL": rewards_url for name in ("AUTH", "CATALOG", "REWARDS", "ISIN", "WEB")}
    environment = (
        os.environ | urls | {"GATEWAY_ENVIRONMENT": "local", "GATEWAY_RATE_LIMITS": "off", "GATEWAY_JWKS_URL": jwks_url}
    )
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "gateway", "serve", "--port", str(port)],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    stack.callback(process.wait)
    stack.callback(process.terminate)
    until_it_answers(f"http://127.0.0.1:{port}/healthz", process)
    return f"http://127.0.0.1:{port}"


async def stay(client: httpx.AsyncClient, opened: asyncio.Semaphore) -> None:
    """An open stream, until cancelled."""
    async with client.stream("GET", "/api/v1/events", headers=bearer(token(uuid4(), "user"))) as answer:
        answer.raise_for_status()
        async for _ in answer.aiter_raw():
            opened.release()


async def first_bytes(client: httpx.AsyncClient) -> list[float]:
    """Milliseconds from the request to the first byte of the body."""
    times = []
    for _ in range(REPEATS):
        headers, started = bearer(token(uuid4(), "user")), time.perf_counter()
        async with client.stream("GET", "/api/v1/events", headers=headers) as answer:
            answer.raise_for_status()
            await anext(answer.aiter_raw())
            times.append((time.perf_counter() - started) * 1000)
    return times


async def delays(client: httpx.AsyncClient, connection: asyncpg.Connection) -> list[float]:
    """Milliseconds from the return of a commit to its event."""
    times, user_id = [], UUID(int=7)
    async with client.stream("GET", "/api/v1/events", headers=bearer(token(user_id, "user"))) as answer:
        pieces = answer.aiter_raw()
        await anext(pieces)
        for _ in range(REPEATS):
            await connection.execute(_START, user_id)
            started = time.perf_counter()
            await anext(pieces)
            times.append((time.perf_counter() - started) * 1000)
    return times


def show(name: str, times: list[float]) -> None:
    """Median and slowest."""
    sys.stdout.write(f"{name:<50} median {statistics.median(times):6.1f} ms   slowest {max(times):6.1f} ms\n")


async def trial(url: str, database_url: str, pid: int) -> None:
    """Measure alone, and among others."""
    connection = await asyncpg.connect(database_url)
    limits = httpx.Limits(max_connections=OTHERS + 10)
    async with httpx.AsyncClient(base_url=url, timeout=30, limits=limits) as client:
        show("first byte", await first_bytes(client))
        show("event, after its commit", await delays(client, connection))
        before, opened = psutil.Process(pid).memory_info().rss, asyncio.Semaphore(0)
        others = [asyncio.create_task(stay(client, opened)) for _ in range(OTHERS)]
        for _ in others:
            await opened.acquire()
        grown = psutil.Process(pid).memory_info().rss - before
        sys.stdout.write(f"{OTHERS} open streams take {grown / OTHERS / 1024:.0f} kB of the service each\n")
        show(f"first byte, beside {OTHERS} streams", await first_bytes(client))
        show(f"event, beside {OTHERS} streams", await delays(client, connection))
        for other in others:
            other.cancel()
        await asyncio.gather(*others, return_exceptions=True)
    await connection.close()


def main(postgres_url: str) -> None:
    """Serve and listen."""
    database_url = prepared_database(postgres_url, "event_streams")
    with ExitStack() as stack:
        rewards = stack.enter_context(served(database_url))
        assert rewards.process is not None  # noqa: S101 - it was started
        asyncio.run(
            trial(gateway(rewards.url, stack.enter_context(published_key()), stack), database_url, rewards.process.pid)
        )


if __name__ == "__main__":
    main(sys.argv[1])
