"""The ISIN API as a process of its own, as it is served everywhere, and a list for it to read from."""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from uuid import UUID

import asyncpg
from catalog_server import Served, published_key, until_it_answers

import isin_worker
from isin_worker.settings import Settings
from isin_worker.testing import make_isin
from local_stack.ports import free_ports
from servicekit import testing

_DETAILS, _DAY = '{"symbol": "SYM", "series": "EQ"}', date(2026, 11, 2)
_FILL = """
WITH run AS (
    INSERT INTO run (feed, business_date, trigger, status) VALUES ($1, '2026-11-20', 'schedule', 'succeeded')
    RETURNING id, feed, business_date
)
INSERT INTO publication (feed, run_id, business_date, url, fingerprint, sha256, rows, valid)
SELECT feed, id, business_date, 'x', 'x', 'x', $2, $2 FROM run
"""


def token() -> str:
    """An access token that the API believes for ten minutes."""
    return testing.make_token(UUID(int=1), ["user"], Settings.example())


@contextmanager
def served(database_url: str) -> Iterator[Served]:
    """Serve the API on this database until the end of the block."""
    (port,) = free_ports(1)
    with published_key() as jwks_url, tempfile.TemporaryDirectory() as folder:
        values = {
            "environment": "production",
            "log_level": "warning",  # the peers write no access log either
            "database_url": database_url,
            "cursor_secret": testing.TEST_SECRET,
            "jwks_url": jwks_url,
        }
        environment = os.environ | {f"ISIN_{name.upper()}": value for name, value in values.items()}
        command = [sys.executable, "-m", "isin_worker", "serve", "--port", str(port)]
        with (Path(folder) / "log").open("wb") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: S603 - our own program
        try:
            until_it_answers(f"http://127.0.0.1:{port}/readyz", process)
            yield Served(port, process)
        finally:
            process.terminate()
            process.wait(timeout=20)


@contextmanager
def filled_database(admin_url: str, rows: int) -> Iterator[str]:
    """A database beside ``admin_url``'s with two lists, of which the second has every third ISIN; its URL."""
    os.environ["APPRAISE_TEST_POSTGRES_URL"] = admin_url
    url = asyncio.run(testing.create_database(isin_worker.__file__, "isin_bench"))
    asyncio.run(_fill(url, rows))
    try:
        yield url
    finally:
        asyncio.run(_drop(admin_url, url.rpartition("/")[2]))


async def _fill(url: str, rows: int) -> None:
    connection = await asyncpg.connect(url)
    columns = ("feed", "isin", "name", "type", "currency", "details", "first_seen")
    for feed, step in (("nse-equity", 1), ("gleif-isin-lei", 3)):
        await connection.execute(_FILL, feed, len(range(0, rows, step)))
        records = (
            (feed, make_isin(number), f"Company {number} Limited", "equity", "INR", _DETAILS, _DAY)
            for number in range(0, rows, step)
        )
        await connection.copy_records_to_table("listing", records=records, columns=columns)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


async def _drop(admin_url: str, name: str) -> None:
    connection = await asyncpg.connect(admin_url)
    await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await connection.close()
