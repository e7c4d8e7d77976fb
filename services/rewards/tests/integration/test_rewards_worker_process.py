"""The arq worker as another process, on a queue that is away, comes empty, and is lost."""

import asyncio
import os
import secrets
import signal
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from local_stack.embedded.for_tests import running, wait_until_ready
from local_stack.embedded.valkey import Valkey
from local_stack.ports import free_ports
from rewards_service.jobs import BELL
from rewards_service.settings import Settings
from servicekit.jobs import ArqRinger

pytestmark = pytest.mark.integration
PATIENCE = 60


@contextmanager
def _serving(valkey: Valkey) -> Iterator[None]:
    with running(valkey.launch()) as process:
        # Its own little event loop, so in a thread: ours is running.
        waiting = threading.Thread(target=wait_until_ready, args=(valkey.is_ready, process))
        waiting.start()
        waiting.join()
        yield


@pytest.fixture
def valkey(tmp_path: Path) -> Valkey:
    return Valkey(tmp_path / "valkey", free_ports(1)[0], secrets.token_hex(16), throwaway=True)


@asynccontextmanager
async def _working(settings: Settings, valkey: Valkey, log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = {
        "PATH": os.defpath,
        "REWARDS_ENVIRONMENT": "test",
        "REWARDS_DATABASE_URL": settings.database_url.get_secret_value(),
        "REWARDS_CURSOR_SECRET": settings.cursor_secret.get_secret_value(),
        "REWARDS_CATALOG_URL": "http://catalog.invalid",
        "REWARDS_AUTH_URL": "http://auth.invalid",
        "REWARDS_BLOB_URL": settings.blob_url,
        "REWARDS_REDIS_URL": valkey.url(),
    }
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "rewards_service", "worker", env=environment, stdout=output, stderr=output
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _make_overdue(sql: asyncpg.Connection) -> None:
    await sql.execute(
        "INSERT INTO task (user_id, app_id, app_name, package_name, points, expires_at) "
        "VALUES (uuidv7(), uuidv7(), 'App', 'org.example', 10, now())"
    )


async def _all_expired(sql: asyncpg.Connection) -> None:
    async with asyncio.timeout(PATIENCE):
        while await sql.fetchval("SELECT count(*) FROM task WHERE status <> 'expired'"):
            await sql.execute("SELECT pg_sleep(0.05)")


async def _all_started(sql: asyncpg.Connection, *logs: Path) -> None:
    async with asyncio.timeout(PATIENCE):
        while not all(b"Starting worker" in log.read_bytes() for log in logs):
            await sql.execute("SELECT pg_sleep(0.05)")


async def _ring(valkey: Valkey) -> None:
    bell = ArqRinger(SecretStr(valkey.url()), BELL)
    await bell.ring()
    await bell.close()


async def _stopped(worker: asyncio.subprocess.Process) -> int:
    worker.send_signal(signal.SIGTERM)
    return await asyncio.wait_for(worker.wait(), PATIENCE)


async def test_nothing_is_lost_when_the_queue_comes_late_goes_and_comes_back_empty(
    sql: asyncpg.Connection, settings: Settings, valkey: Valkey, tmp_path: Path
) -> None:
    await _make_overdue(sql)
    async with _working(settings, valkey, tmp_path / "log") as worker:
        with _serving(valkey):  # it keeps nothing: each time it is empty
            await _all_expired(sql)
        await _make_overdue(sql)
        with _serving(valkey):
            await _ring(valkey)
            await _all_expired(sql)
            assert await _stopped(worker) == 0
    assert b"Traceback" not in (tmp_path / "log").read_bytes()


async def test_a_worker_that_is_killed_leaves_the_work_to_the_next(
    sql: asyncpg.Connection, settings: Settings, valkey: Valkey, tmp_path: Path
) -> None:
    with _serving(valkey):
        await _make_overdue(sql)
        async with _working(settings, valkey, tmp_path / "log") as worker:
            await _all_expired(sql)
            worker.kill()
            await worker.wait()
        await _make_overdue(sql)
        await _ring(valkey)
        async with _working(settings, valkey, tmp_path / "log") as worker:
            await _all_expired(sql)
            assert await _stopped(worker) == 0


async def test_two_workers_at_one_queue_are_no_harm(
    sql: asyncpg.Connection, settings: Settings, valkey: Valkey, tmp_path: Path
) -> None:
    with _serving(valkey):
        async with (
            _working(settings, valkey, tmp_path / "one") as one,
            _working(settings, valkey, tmp_path / "two") as two,
        ):
            await _all_started(sql, tmp_path / "one", tmp_path / "two")
            for _ in range(3):
                await _make_overdue(sql)
                await asyncio.gather(*(_ring(valkey) for _ in range(4)))
                await _all_expired(sql)
            assert [await _stopped(one), await _stopped(two)] == [0, 0]
    assert await sql.fetchval("SELECT count(*) FROM event WHERE data ->> 'status' = 'expired'") == 3
