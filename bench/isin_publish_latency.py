"""Look-ups while a list is published: ``.venv/bin/python bench/isin_publish_latency.py URL [--rows N] [--changed X]``.

URL is the superuser's of a durable Postgres (``bench/durable_postgres.py``). The API is asked for so many ISINs a
second (``--rate``, by default 500; with 0 as fast as it answers, which leaves no processor to anybody) over two
connections, first while nothing else happens, then beside a process that does nothing but keep a processor busy, then
while another one publishes a list in the same database, of which this share of the rows changed (by default half of
1,000,000; on most days it is less than one in a hundred). So it is seen how much of it any work would cost. Five
rounds, after one that is not counted. The client stands before everybody else at the processors, if it may (root may),
as if it had its own: what is measured is then what the service waits for.
"""

import argparse
import asyncio
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import asyncpg
from isin_publish import Bench, write_list
from isin_server import filled_database, served, token
from load import Result, request, run

from isin_worker.pipeline.batches import StageLayout
from isin_worker.settings import Settings
from isin_worker.testing import make_isin
from servicekit import testing

STANDING, CONNECTIONS, ROUNDS = 200_000, 2, 5
IDLE_SECONDS, SLICE_SECONDS = 3.0, 0.5


async def publish(database_url: str, path: Path, days: int) -> None:
    """Publish the list of a file."""
    settings = Settings(environment="test", database_url=database_url, cursor_secret=testing.TEST_SECRET)
    bench = Bench(settings, database_url, StageLayout(("lei", "isin", "name"), ","), days=days)
    await bench.publish(path)
    await bench.close()


async def settle_down(admin_url: str, database_url: str) -> None:
    """What the server does by itself after a while, so that it does not do it while nothing happens."""
    for url, statement in ((database_url, "VACUUM ANALYZE"), (admin_url, "CHECKPOINT")):
        connection = await asyncpg.connect(url)
        await connection.execute(statement)
        await connection.close()


def p99(results: list[Result]) -> float:
    """Of all answers together, in milliseconds."""
    times = [time for result in results for time in result.times]
    return Result(len(times), 0, times).percentile(0.99)


def keep_busy() -> None:
    """Take a processor, and nothing else."""
    until = time.monotonic() + IDLE_SECONDS
    while time.monotonic() < until:
        pass


def told(idle: float, beside: float, publishing: float) -> str:
    """The three times, in words."""
    return f"idle {idle:.2f} ms, beside a busy process {beside:.2f} ms, while publishing {publishing:.2f} ms"


def main(admin_url: str, rows: int, changed: float, rate: float) -> None:
    """Measure in turns."""
    rng = random.Random(1)  # noqa: S311 - no secret
    with filled_database(admin_url, STANDING) as url, served(url) as api, tempfile.TemporaryDirectory() as folder:
        wanted = [
            request("GET", f"/api/v1/isins/{make_isin(rng.randrange(STANDING))}", token=token()) for _ in range(9999)
        ]
        lists = [Path(folder) / str(number) for number in range(2)]
        for number, path in enumerate(lists):
            write_list(path, rows, seed=number, changed=int(rows * changed) * number, names=True)

        def asked_for(seconds: float) -> Result:
            return run(api.port, lambda: rng.choice(wanted), connections=CONNECTIONS, seconds=seconds, rate=rate)

        def during(work: Callable[[], object]) -> float:
            if (child := os.fork()) == 0:
                work()
                os._exit(0)
            results = []
            while os.waitpid(child, os.WNOHANG) == (0, 0):
                results.append(asked_for(SLICE_SECONDS))
            return p99(results)

        asyncio.run(publish(url, lists[1], 1000))
        with suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
        rounds = []
        for number in range(ROUNDS + 1):
            asyncio.run(settle_down(admin_url, url))
            idle, beside = p99([asked_for(IDLE_SECONDS)]), during(keep_busy)
            publishing = during(lambda number=number: asyncio.run(publish(url, lists[number % 2], 1001 + number)))
            if number:
                rounds.append((idle, beside, publishing))
                sys.stdout.write("    " + told(*rounds[-1]) + "\n")
                sys.stdout.flush()
    idle, beside, publishing = (statistics.median(values) for values in zip(*rounds, strict=True))
    sys.stdout.write(f"p99 {told(idle, beside, publishing)}\n")
    sys.stdout.write(f"publishing {publishing / idle:.2f} times idle, a busy processor {beside / idle:.2f} times\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--changed", type=float, default=0.5)
    parser.add_argument("--rate", type=float, default=500)
    asked = parser.parse_args()
    main(asked.url, asked.rows, asked.changed, asked.rate)
