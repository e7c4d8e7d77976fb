"""Fifty uploads at once: ``python bench/proof_uploads.py POSTGRES_URL``.

Prints how much memory the service and its children had together at the most, sampled fifty times a second, while
fifty people send a screenshot of 1080 x 2400 each, and then a picture of 25 megapixels each.
"""

import asyncio
import io
import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import psutil
from PIL import Image
from rewards_server import prepared_database, served, token

from servicekit.testing import bearer

PEOPLE = 50
MB = 1024 * 1024


async def started_tasks(url: str) -> list[tuple[UUID, UUID]]:
    """A task of each of fifty people, with its owner."""
    connection = await asyncpg.connect(url)
    rows = await connection.fetch(
        "INSERT INTO task (user_id, app_id, app_name, package_name, points, expires_at) SELECT uuidv7(), uuidv7(), "
        "'App', 'org.example', 10, now() + interval '1 day' FROM generate_series(1, $1::int) RETURNING id, user_id",
        PEOPLE,
    )
    await connection.close()
    return [(row["id"], row["user_id"]) for row in rows]


def screenshot(width: int, height: int) -> bytes:
    """A PNG of flat areas, as a screen is, never the same."""
    grain = Image.frombytes("RGB", (width // 40, height // 40), os.urandom(width // 40 * (height // 40) * 3))
    content = io.BytesIO()
    grain.resize((width, height), Image.Resampling.NEAREST).save(content, "PNG", compress_level=1)
    return content.getvalue()


async def watch(pid: int, peaks: Counter[str]) -> None:
    """Keep the highest figures, until cancelled."""
    while True:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()  # noqa: ASYNC240 - /proc never waits
        children = [_rss(int(child)) for child in listed]
        peaks["children"] = max(peaks["children"], len(children))
        peaks["one child"] = max(peaks["one child"], *children, 0)
        own = _rss(pid)
        peaks["service"] = max(peaks["service"], own)
        peaks["together"] = max(peaks["together"], own + sum(children))
        await asyncio.sleep(0.02)


def _rss(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


async def upload(client: httpx.AsyncClient, task_id: UUID, user_id: UUID, content: bytes) -> int:
    """Send one; the status of the answer."""
    headers = {**bearer(token(user_id, "user")), "Idempotency-Key": str(task_id)}
    answer = await client.post(f"/api/v1/tasks/{task_id}/proofs", files={"file": ("x.png", content)}, headers=headers)
    return answer.status_code


async def trial(url: str, database_url: str, pid: int, width: int, height: int) -> None:
    """Fifty at once."""
    tasks = await started_tasks(database_url)
    contents = [screenshot(width, height) for _ in tasks]
    peaks: Counter[str] = Counter(before=_rss(pid))
    watching = asyncio.create_task(watch(pid, peaks))
    started = time.perf_counter()
    limits: Any = httpx.Limits(max_connections=PEOPLE)
    async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits) as client:
        sending = (upload(client, *task, content) for task, content in zip(tasks, contents, strict=True))
        statuses = Counter(await asyncio.gather(*sending))
    seconds = time.perf_counter() - started
    watching.cancel()
    figures = ", ".join(f"{name} {value if name == 'children' else value // MB}" for name, value in peaks.items())
    sys.stdout.write(
        f"{width} x {height}, {sum(map(len, contents)) // PEOPLE // 1024} kB each: answers {dict(statuses)} in "
        f"{seconds:.1f} s; most at a time (MB, and how many children): {figures}\n"
    )


def main(postgres_url: str) -> None:
    """Serve and send."""
    database_url = prepared_database(postgres_url, "proof_uploads")
    with served(database_url) as rewards:
        assert rewards.process is not None  # noqa: S101 - it was started
        for width, height in ((1080, 2400), (5000, 5000)):
            asyncio.run(trial(rewards.url, database_url, rewards.process.pid, width, height))


if __name__ == "__main__":
    main(sys.argv[1])
