"""Drops the databases of tests that ended without doing so themselves: each mutant's tests make their own."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import asyncpg
import psutil

EVERY_SECONDS = 2.0
OF_A_PROCESS = re.compile(r"_(?:main|gw\d+)_(\d+)$")  # as `servicekit.testing` names them


@contextmanager
def dropping_abandoned(postgres_url: str) -> Iterator[None]:
    """Until the block ends, look every two seconds for databases whose process is gone."""
    ended = Event()

    def work() -> None:
        while not ended.wait(EVERY_SECONDS):
            asyncio.run(_drop(postgres_url))

    thread = Thread(target=work, name="drop-abandoned")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


async def _drop(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    try:
        for row in await connection.fetch("SELECT datname FROM pg_database"):
            process = OF_A_PROCESS.search(row["datname"])
            if process and not psutil.pid_exists(int(process[1])):
                await connection.execute(f'DROP DATABASE IF EXISTS "{row["datname"]}" WITH (FORCE)')
    finally:
        await connection.close()
