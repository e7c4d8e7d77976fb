"""From COPY text to a published list: ``.venv/bin/python bench/isin_publish.py URL [--rows 2000000] [--names]``.

URL is the superuser's of a durable Postgres (``bench/durable_postgres.py``); a database is made there and dropped. The
list is made up, ISIN and LEI in random order, with ``--names`` names too. In turn: plain COPY of the same text into a
table without index (the limit), the first publication, one that the publisher calls unchanged, the same rows in another
order, and 0.5 % changed. Of each: seconds, WAL, rows written to the lasting tables, and the peak memory of this process
so far. No checkpoint is forced: after one, pages of the system's catalogue are logged in full, up to 0.2 MB more.
"""

import argparse
import asyncio
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg

import isin_worker
from isin_worker.feeds.nse_equity import NSE_EQUITY
from isin_worker.pipeline.batches import Batch, Delivery, ListFile, StageLayout
from isin_worker.pipeline.progress import Unwatched
from isin_worker.pipeline.publish import Claim, confirm_list, publish_list
from isin_worker.repositories.publications import PublicationRepository
from isin_worker.settings import Settings
from isin_worker.testing import make_isin
from servicekit import testing
from servicekit.db import Database

CHUNK = 1024 * 1024
DAY = date(2026, 1, 1)
_WRITTEN = """
SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint FROM pg_stat_user_tables
WHERE relname IN ('listing', 'isin_change', 'quarantine')
"""


@dataclass(frozen=True)
class TextFile:
    """A file that is COPY text already."""

    path: Path
    layout: StageLayout

    def __iter__(self) -> Iterator[Batch]:
        with self.path.open("rb") as file:
            rest = b""
            while chunk := file.read(CHUNK):
                end = chunk.rfind(b"\n") + 1
                yield Batch(rest + chunk[:end], (rest + chunk[:end]).count(b"\n"))
                rest = chunk[end:]


def write_list(path: Path, rows: int, *, seed: int, changed: int = 0, names: bool = False) -> None:
    """A made-up list in the random order of ``seed``, in which ``changed`` rows have another LEI."""
    order = list(range(rows))
    random.Random(seed).shuffle(order)  # noqa: S311 - no secret
    with path.open("w") as file:
        for start in range(0, rows, 100_000):
            file.writelines(
                _line(number, names=names, other=number < changed) for number in order[start : start + 100_000]
            )


def _line(number: int, *, names: bool, other: bool) -> str:
    lei = f"{'O' if other else 'L'}{number // 90:019d}"
    name = f",Company {number} of {number % 977} Holdings Limited" if names else ""
    return f"{lei},{make_isin(number)}{name}\n"


class Bench:
    """One database, and what is done to it."""

    def __init__(self, settings: Settings, url: str, layout: StageLayout, *, days: int = 0) -> None:
        self._database = Database(settings, application_name="bench")
        self._url = url
        self._layout = layout
        self._days = days
        self.first = 0.0

    async def close(self) -> None:
        """Give the connections back."""
        await self._database.close()

    async def limit(self, path: Path) -> None:
        """Plain COPY into an unlogged table without an index."""
        connection = await asyncpg.connect(self._url)
        await connection.execute("CREATE UNLOGGED TABLE plain (lei text, isin text, name text)")

        async def chunks() -> AsyncIterator[bytes]:
            for batch in TextFile(path, self._layout):
                yield batch.copy

        async def copy() -> None:
            await connection.copy_to_table(
                "plain", source=chunks(), columns=self._layout.columns, format="text", delimiter=","
            )

        await self._measured("plain COPY", copy)
        await connection.execute("DROP TABLE plain")
        await connection.close()

    async def publish(self, path: Path) -> UUID:
        """Publish a list; its run."""
        claim = await self._claim()
        file = ListFile(TextFile(path, self._layout))
        async with self._database.transaction() as session:
            delivery = Delivery(files=[file], url="x", bytes=1, sha256=str(path))
            await publish_list(session, claim, delivery, Unwatched())
        return claim.run_id

    async def measure(self, title: str, path: Path) -> None:
        """Publish a list, and tell of it."""
        runs: list[UUID] = []

        async def work() -> None:
            runs.append(await self.publish(path))

        await self._measured(title, work)
        connection = await asyncpg.connect(self._url)
        run = await connection.fetchrow("SELECT * FROM run WHERE id = $1", runs[0])
        await connection.execute("VACUUM ANALYZE listing")  # what autovacuum does in a while, so that it is no noise
        await connection.close()
        sys.stdout.write(
            "    " + ", ".join(f"{name} {run[name]}" for name in ("status", "valid", "added", "changed")) + "\n"
        )

    async def confirm(self) -> None:
        """What a 304 leads to."""
        claim = await self._claim()

        async def work() -> None:
            async with self._database.transaction() as session:
                standing = await PublicationRepository(session).get(claim.feed.name)
                if standing is None:
                    raise RuntimeError("nothing stands")
                await confirm_list(session, claim, standing, None)

        await self._measured("unchanged (304)", work)

    async def _claim(self) -> Claim:
        self._days += 1
        owner, day = uuid4(), DAY + timedelta(days=self._days)
        connection = await asyncpg.connect(self._url)
        run_id: UUID = await connection.fetchval(
            "INSERT INTO run (feed, business_date, trigger, status, owner, lease_expires_at)"
            " VALUES ($1, $2, 'command', 'running', $3, now() + interval '1 hour') RETURNING id",
            NSE_EQUITY.name, day, owner,
        )  # fmt: skip
        await connection.close()
        return Claim(run_id, owner, NSE_EQUITY, day, forced=False, attempt=1)

    async def _measured(self, title: str, work: Callable[[], Awaitable[None]]) -> None:
        connection = await asyncpg.connect(self._url)
        written = await connection.fetchval(_WRITTEN) or 0
        place = await connection.fetchval("SELECT pg_current_wal_insert_lsn()")
        started = time.monotonic()
        await work()
        seconds = time.monotonic() - started
        wal = await connection.fetchval("SELECT pg_current_wal_insert_lsn() - $1::pg_lsn", place)
        await asyncio.sleep(1.2)  # the counters of a session arrive within a second
        written = (await connection.fetchval(_WRITTEN) or 0) - written
        await connection.close()
        if title == "first":
            self.first = seconds
        share = f" ({seconds / self.first:.1%} of the first)" if self.first else ""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        sys.stdout.write(
            f"{title:24} {seconds:7.2f} s{share}, WAL {float(wal) / 1e6:.3f} MB, {written} rows written,"
            f" peak {peak} MB\n"
        )
        sys.stdout.flush()


async def main(url: str, rows: int, *, names: bool) -> None:
    """Measure everything in turn."""
    os.environ["APPRAISE_TEST_POSTGRES_URL"] = url
    database_url = await testing.create_database(isin_worker.__file__, "isin_bench")
    settings = Settings(environment="test", database_url=database_url, cursor_secret=testing.TEST_SECRET)
    layout = StageLayout(("lei", "isin", "name") if names else ("lei", "isin"), ",")
    bench = Bench(settings, database_url, layout)
    with tempfile.TemporaryDirectory(prefix="isinbench-") as folder:
        lists = [Path(folder) / name for name in ("first", "shuffled", "changed")]
        await asyncio.to_thread(_write_all, lists, rows, names)
        await bench.limit(lists[0])
        await bench.measure("first", lists[0])
        await bench.confirm()
        await bench.measure("other bytes, same rows", lists[1])
        await bench.measure("0.5 % changed", lists[2])
    await bench.close()
    admin = await asyncpg.connect(url)
    await admin.execute(f'DROP DATABASE "{database_url.rpartition("/")[2]}" WITH (FORCE)')
    await admin.close()


def _write_all(lists: list[Path], rows: int, names: bool) -> None:
    """Write the lists in a process of its own, whose memory does not count."""
    if (child := os.fork()) == 0:
        for number, path in enumerate(lists):
            write_list(path, rows, seed=number, changed=rows // 200 if number == 2 else 0, names=names)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        raise RuntimeError("the lists were not written")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--names", action="store_true")
    asked = parser.parse_args()
    asyncio.run(main(asked.url, asked.rows, names=asked.names))
