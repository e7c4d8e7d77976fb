"""The arq worker as another process, on a queue that comes and goes."""

import asyncio
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg
import pytest
from arq.connections import create_pool
from pydantic import SecretStr

from isin_worker.jobs import BELL
from isin_worker.testing import Publisher, eventually, make_list, make_row
from local_stack.embedded.for_tests import running, wait_until_ready
from local_stack.embedded.valkey import Valkey
from local_stack.ports import free_ports
from servicekit.jobs import ArqRinger, redis_settings

pytestmark = pytest.mark.integration


@contextmanager
def serving(valkey: Valkey) -> Iterator[None]:
    with running(valkey.launch()) as process:
        # Its own little event loop, so in a thread: ours is running.
        import threading

        waiting = threading.Thread(target=wait_until_ready, args=(valkey.is_ready, process))
        waiting.start()
        waiting.join()
        yield


@pytest.fixture
def valkey(tmp_path: Path) -> Valkey:
    return Valkey(tmp_path / "valkey", free_ports(1)[0], secrets.token_hex(16), throwaway=True)


@asynccontextmanager
async def working(environment: dict[str, str], valkey: Valkey, log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "isin_worker", "worker",
            env={**environment, "ISIN_REDIS_URL": valkey.url()}, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def done(db: asyncpg.Connection) -> bool:
    return bool(await db.fetchval("SELECT count(*) = 1 FROM run WHERE status = 'succeeded'"))


async def make_due_again(db: asyncpg.Connection) -> None:
    await db.execute("UPDATE run SET status = 'pending', finished_at = NULL, next_try_at = now()")


async def test_a_worker_does_what_is_due_when_it_starts_and_when_it_is_rung_and_stops_within_seconds(
    environment: dict[str, str], valkey: Valkey, publisher: Publisher, db: asyncpg.Connection, tmp_path: Path
) -> None:
    publisher.content = make_list([make_row(1)])
    with serving(valkey):
        async with working(environment, valkey, tmp_path / "log") as worker:
            await eventually(lambda: done(db))
            await make_due_again(db)
            bell = ArqRinger(SecretStr(valkey.url()), BELL)
            await bell.ring()
            await bell.close()
            await eventually(lambda: done(db))
            assert await db.fetchval("SELECT attempts FROM run") == 2
            worker.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(worker.wait(), 30) == 0
    assert b"Traceback" not in (tmp_path / "log").read_bytes()


async def test_a_worker_survives_an_outage_of_its_queue(
    environment: dict[str, str], valkey: Valkey, publisher: Publisher, db: asyncpg.Connection, tmp_path: Path
) -> None:
    publisher.content = make_list([make_row(1)])
    async with working(environment, valkey, tmp_path / "log") as worker:  # before there is a queue at all
        with serving(valkey):
            await eventually(lambda: done(db))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(worker.wait(), 3)  # the queue is away, and the worker is not
        await make_due_again(db)
        with serving(valkey):
            bell = ArqRinger(SecretStr(valkey.url()), BELL)
            await bell.ring()
            await bell.close()
            await eventually(lambda: done(db))
            assert worker.returncode is None
            worker.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(worker.wait(), 30) == 0


async def test_a_worker_stops_within_seconds_while_its_queue_is_away(
    environment: dict[str, str], valkey: Valkey, publisher: Publisher, db: asyncpg.Connection, tmp_path: Path
) -> None:
    publisher.content = make_list([make_row(1)])
    async with working(environment, valkey, tmp_path / "log") as worker:
        with serving(valkey):
            await eventually(lambda: done(db))
        worker.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(worker.wait(), 30) == 0


async def test_a_worker_that_is_stopped_in_the_middle_gives_its_run_back(
    environment: dict[str, str], valkey: Valkey, publisher: Publisher, db: asyncpg.Connection, tmp_path: Path
) -> None:
    publisher.content, publisher.held = make_list([make_row(1)]), asyncio.Event()
    with serving(valkey):
        async with working(environment, valkey, tmp_path / "log") as worker:
            await asyncio.wait_for(publisher.waiting.wait(), 120)
            worker.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(worker.wait(), 30) == 0
    row = await db.fetchrow("SELECT status, attempts, owner FROM run")
    assert row is not None
    assert tuple(row) == ("pending", 0, None)


async def test_the_queue_holds_json_and_never_a_pickle(valkey: Valkey) -> None:
    with serving(valkey):
        bell = ArqRinger(SecretStr(valkey.url()), BELL)
        await bell.ring()
        await bell.ring()
        await bell.close()
        pool = await create_pool(redis_settings(SecretStr(valkey.url()), retries=0))
        jobs = [await pool.get(key) for key in await pool.keys("arq:job:*")]
        await pool.aclose(close_connection_pool=True)
    assert len(jobs) == 2
    assert all(job is not None and job.startswith(b'{"t": null, "f": "reconcile"') for job in jobs)


async def test_a_bell_without_a_queue_is_silent_and_quick(valkey: Valkey) -> None:
    bell = ArqRinger(SecretStr(valkey.url()), BELL)
    async with asyncio.timeout(5):
        await bell.ring()
    await bell.close()


async def published_once(db: asyncpg.Connection, rows: int) -> bool:
    return await db.fetchval("SELECT count(*) FROM isin_change") == rows and await done(db)


async def test_what_a_killed_worker_leaves_is_done_once_by_the_next_when_the_lease_is_over(
    environment: dict[str, str], valkey: Valkey, publisher: Publisher, db: asyncpg.Connection, tmp_path: Path
) -> None:
    publisher.content, publisher.held = make_list(make_row(number) for number in range(50)), asyncio.Event()
    impatient = {**environment, "ISIN_LEASE_SECONDS": "1"}
    bell = ArqRinger(SecretStr(valkey.url()), BELL)

    async def ring_until_done() -> bool:
        await bell.ring()
        return await done(db)

    with serving(valkey):
        async with working(impatient, valkey, tmp_path / "log") as killed:
            await asyncio.wait_for(publisher.waiting.wait(), 120)
            killed.send_signal(signal.SIGKILL)
            await killed.wait()
        publisher.held = None
        async with working(impatient, valkey, tmp_path / "log"):
            await eventually(ring_until_done)
        await bell.close()
    assert await published_once(db, 50)
    assert await db.fetchval("SELECT attempts FROM run") == 2


async def test_three_workers_that_are_all_rung_for_do_the_date_once(
    environment: dict[str, str], valkey: Valkey, publisher: Publisher, db: asyncpg.Connection, tmp_path: Path
) -> None:
    publisher.content = make_list(make_row(number) for number in range(50))
    bell = ArqRinger(SecretStr(valkey.url()), BELL)
    with serving(valkey):
        for _ in range(3):
            await bell.ring()
        await bell.close()
        async with AsyncExitStack() as stack:
            for number in range(3):
                await stack.enter_async_context(working(environment, valkey, tmp_path / f"log{number}"))
            await eventually(lambda: done(db))
    assert await published_once(db, 50)
    assert len(publisher.requests) == 1
