"""Look-ups while a list is published: ``.venv/bin/python bench/isin_publish_latency.py URL [--rows N] [--rate N]``.

URL is the superuser's of a durable Postgres (``bench/durable_postgres.py``). The API is asked for so many ISINs
a second (500; with 0 as fast as it answers, which leaves no processor to anybody) over two connections, first while
nothing else happens, then while another process publishes a list of so many rows (by default 1,000,000) in the same
database; three times in turn, each of which writes half of the rows or all.
"""

import argparse
import asyncio
import os
import random
import statistics
import sys
import tempfile
from pathlib import Path

from isin_publish import Bench, write_list
from isin_server import filled_database, served, token
from load import request, run

from isin_worker.pipeline.batches import StageLayout
from isin_worker.settings import Settings
from isin_worker.testing import make_isin
from servicekit import testing

STANDING, CONNECTIONS, SECONDS, ROUNDS = 200_000, 2, 3.0, 3


async def publish(database_url: str, path: Path, days: int) -> None:
    """Publish the list of a file."""
    settings = Settings(environment="test", database_url=database_url, cursor_secret=testing.TEST_SECRET)
    bench = Bench(settings, database_url, StageLayout(("lei", "isin", "name"), ","), days=days)
    await bench.publish("published meanwhile", path)
    await bench.close()


def main(admin_url: str, rows: int, rate: float) -> None:
    """Measure in turns."""
    rng = random.Random(1)  # noqa: S311 - no secret
    with filled_database(admin_url, STANDING) as url, served(url) as api, tempfile.TemporaryDirectory() as folder:
        wanted = [
            request("GET", f"/api/v1/isins/{make_isin(rng.randrange(STANDING))}", token=token()) for _ in range(9999)
        ]
        lists = [Path(folder) / str(number) for number in range(ROUNDS)]
        for number, path in enumerate(lists):
            write_list(path, rows, seed=number, changed=rows // 2 * (number % 2), names=True)

        def slice_of(seconds: float) -> float:
            result = run(api.port, lambda: rng.choice(wanted), connections=CONNECTIONS, seconds=seconds, rate=rate)
            return result.percentile(0.99)

        slice_of(1)
        idle, busy = [], []
        for number, path in enumerate(lists):
            idle.append(slice_of(SECONDS))
            if (child := os.fork()) == 0:
                asyncio.run(publish(url, path, 1000 + number))
                os._exit(0)
            while os.waitpid(child, os.WNOHANG) == (0, 0):
                busy.append(slice_of(SECONDS))
    quiet, loud = statistics.median(idle), statistics.median(busy)
    sys.stdout.write(
        f"p99 idle {quiet:.2f} ms, while publishing {loud:.2f} ms in the median of {len(busy)} slices,"
        f" {max(busy):.2f} ms in the worst: {loud / quiet:.2f} times\n"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rate", type=float, default=500)
    asked = parser.parse_args()
    main(asked.url, asked.rows, asked.rate)
