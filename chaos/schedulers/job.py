"""The job of every scheduler in the fault matrix: it says that it began, works for a while, and inserts its row.

What is run by a scheduler of its own environment needs nothing of ours: psycopg, and where to insert.
"""

import asyncio
import os
import sys
from threading import Event
from uuid import uuid4

import psycopg

DATABASE = os.environ["CHAOS_DATABASE"]
BROKER = os.environ.get("CHAOS_BROKER", "")
PERIOD = int(os.environ.get("CHAOS_PERIOD", "6"))  # seconds from tick to tick
SECONDS = float(os.environ.get("CHAOS_JOB_SECONDS", "2"))
RAISES = "CHAOS_RAISES" in os.environ  # the first attempt of each job does

_BEGIN = "INSERT INTO begun (job) VALUES (%s) RETURNING (SELECT count(*) FROM begun WHERE job = %s)"
_ROW = "INSERT INTO effect (job, sent) VALUES (%s, %s)"
_kept: list[psycopg.Connection] = []


class FirstAttempt(Exception):
    """What a job raises when it is told to."""


def _must_raise(before: int) -> bool:
    return RAISES and before == 0


def work(job: str) -> None:
    """Do the job of this id."""
    with psycopg.connect(DATABASE, autocommit=True) as db:
        before = db.execute(_BEGIN, (job, job)).fetchone()
        if _must_raise(before[0]):
            raise FirstAttempt
        Event().wait(SECONDS)  # time.sleep fails where libfaketime makes the clock fast
        db.execute(_ROW, (job, None))


async def work_async(job: str) -> None:
    """The same for who wants a coroutine."""
    async with await psycopg.AsyncConnection.connect(DATABASE, autocommit=True) as db:
        before = await (await db.execute(_BEGIN, (job, job))).fetchone()
        if _must_raise(before[0]):
            raise FirstAttempt
        await asyncio.sleep(SECONDS)
        await db.execute(_ROW, (job, None))


def insert(sent: float) -> None:
    """The quick job, which measures the scheduler: only the row, over a connection that is kept."""
    if not _kept:
        _kept.append(psycopg.connect(DATABASE, autocommit=True))
    _kept[0].execute(_ROW, (str(uuid4()), sent))


if __name__ == "__main__":  # how cron runs it
    work(sys.argv[1] if len(sys.argv) > 1 else str(uuid4()))
