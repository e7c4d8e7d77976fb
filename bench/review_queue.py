"""The review queue over a million proofs: ``python bench/review_queue.py POSTGRES_URL [PROOFS] [WAITING]``.

Prints how long the service needs for a page by age and by risk and for a task with its place, and how long the ways to
find pictures that look alike take for one proof (see docs/adr/0013).
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from rewards_server import prepared_database, served, token

from servicekit.testing import bearer

APPS = 1000
PEOPLE = 200_000
HOT_APP = UUID(int=1)  # a tenth of all proofs are of this app
REPEATS = 20

# Each app has 20 screens that people photograph, and up to two bits differ: honest screenshots are that much alike.
_FILL = """
WITH made AS (
    INSERT INTO task (user_id, app_id, app_name, package_name, points, status, expires_at)
    SELECT lpad(to_hex(100000 + CASE WHEN n % 10 = 0 THEN n ELSE n % $2 END), 32, '0')::uuid,
        lpad(to_hex(CASE WHEN n % 10 = 0 THEN 1 ELSE 2 + n / $2 * $3 + n % $3 END), 32, '0')::uuid,
        'Example Reader', 'org.example.reader', 250, 'started', now() + interval '7 days'
    FROM generate_series(1, $1::int) AS n
    RETURNING id, app_id, hashtextextended(id::text, 7) AS chance
)
INSERT INTO proof (task_id, app_id, attempt, file_sha256, pixels_sha256, image_sha256, thumbnail_sha256, width, height,
    dhash)
SELECT id, app_id, 1, md5(id::text), md5(id::text), md5(id::text), md5(id::text), 1080, 2400,
    hashtextextended(app_id::text, abs(chance % 20))
        # (1::bigint << abs(chance % 61)::int) # (1::bigint << abs(chance % 59)::int)
FROM made
"""
_DECIDE = """
UPDATE proof SET decision = 'approve', decided_by = lpad(to_hex(900000 + abs(dhash % 7)), 32, '0')::uuid,
    decided_at = now(), created_at = now() - interval '1 hour'
WHERE task_id NOT IN (SELECT id FROM task ORDER BY id DESC LIMIT $1)
"""
_SUBMIT = """
UPDATE task SET status = CASE WHEN decision IS NULL THEN 'submitted' ELSE 'approved' END, attempts = 1,
    proof_id = proof.id, submitted_at = proof.created_at, decided_at = proof.decided_at
FROM proof WHERE proof.task_id = task.id
"""
# Inlined by the planner. An index for each band of 16 bits: what differs in three bits at most has one band in common.
_PREPARE = """
CREATE FUNCTION far(one bigint, other bigint) RETURNS bigint IMMUTABLE LANGUAGE sql
    AS 'SELECT bit_count((one # other)::bit(64))';
CREATE INDEX ON proof ((dhash & 65535));
CREATE INDEX ON proof ((dhash >> 16 & 65535));
CREATE INDEX ON proof ((dhash >> 32 & 65535));
CREATE INDEX ON proof ((dhash >> 48 & 65535));
"""
WAYS = {
    "the app's newest thousand, as the service does": """
        SELECT id FROM (SELECT id, dhash FROM proof WHERE app_id = $1 ORDER BY id DESC LIMIT 1000) AS latest
        WHERE far(dhash, $2) <= 10 ORDER BY far(dhash, $2) LIMIT 10""",
    "all of the app": """
        SELECT id FROM proof WHERE app_id = $1 AND far(dhash, $2) <= 10 ORDER BY far(dhash, $2) LIMIT 10""",
    "all there are": """
        SELECT id FROM proof WHERE app_id IS NOT NULL AND $1::uuid IS NOT NULL AND far(dhash, $2) <= 10
        ORDER BY far(dhash, $2) LIMIT 10""",
    "four bands of 16 bits": """
        SELECT id FROM proof WHERE $1::uuid IS NOT NULL AND far(dhash, $2) <= 10 AND (
            dhash & 65535 = $2 & 65535 OR dhash >> 16 & 65535 = $2 >> 16 & 65535
            OR dhash >> 32 & 65535 = $2 >> 32 & 65535 OR dhash >> 48 & 65535 = $2 >> 48 & 65535)
        ORDER BY far(dhash, $2) LIMIT 10""",
}


async def fill(url: str, proofs: int, waiting: int) -> None:
    """So many proofs, all decided but the newest ``waiting``."""
    connection = await asyncpg.connect(url)
    await connection.execute("SET session_replication_role = replica")  # neither events nor credits
    await connection.execute(_FILL, proofs, PEOPLE, APPS)
    await connection.execute(_DECIDE, waiting)
    await connection.execute(_SUBMIT)
    await connection.execute(_PREPARE)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


async def timed(name: str, call: Callable[[], Awaitable[Any]]) -> None:
    """Print the median and the slowest of some calls."""
    await call()
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        await call()
        times.append((time.perf_counter() - started) * 1000)
    sys.stdout.write(f"{name:<60} median {statistics.median(times):8.1f} ms   slowest {max(times):8.1f} ms\n")


async def over_http(url: str, database_url: str) -> None:
    """What reviewers and owners wait for."""
    connection = await asyncpg.connect(database_url)
    last = await connection.fetchrow(
        "SELECT id, user_id FROM task WHERE status = 'submitted' ORDER BY submitted_at DESC, id DESC LIMIT 1"
    )
    await connection.close()
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        reviewer, owner = bearer(token()), bearer(token(last["user_id"], "user"))
        for name, path, headers in (
            ("50 by age", "/api/v1/reviews?limit=50", reviewer),
            ("50 by risk", "/api/v1/reviews?limit=50&sort=risk", reviewer),
            ("statistics of all time", "/api/v1/reviews/statistics?period=all", reviewer),
            ("the last task in the queue, with its place", f"/api/v1/tasks/{last['id']}", owner),
        ):
            await timed(name, partial(client.get, path, headers=headers))


async def ways(database_url: str) -> None:
    """The ways to find what looks alike, for one proof of the app that has most."""
    connection = await asyncpg.connect(database_url)
    dhash = await connection.fetchval("SELECT dhash FROM proof WHERE app_id = $1 LIMIT 1", HOT_APP)
    for name, query in WAYS.items():
        found = await connection.fetch(query, HOT_APP, dhash)
        await timed(f"{name}: {len(found)} found", partial(connection.fetch, query, HOT_APP, dhash))
    await connection.close()


def main(postgres_url: str, proofs: int = 1_000_000, waiting: int = 5000) -> None:
    """Fill, serve, measure."""
    database_url = prepared_database(postgres_url, "review_queue")
    started = time.perf_counter()
    asyncio.run(fill(database_url, proofs, waiting))
    sys.stdout.write(f"{proofs:,} proofs, {waiting:,} waiting, filled in {time.perf_counter() - started:.0f} s\n")
    with served(database_url) as rewards:
        asyncio.run(over_http(rewards.url, database_url))
    asyncio.run(ways(database_url))


if __name__ == "__main__":
    main(sys.argv[1], *(int(argument) for argument in sys.argv[2:]))
