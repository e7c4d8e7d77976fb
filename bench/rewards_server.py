"""The rewards service as a process of its own, tasks that wait for review, and an auth service that is only a key."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import asyncpg
from catalog_server import published_key, until_it_answers

import rewards_service
from local_stack.ports import free_ports
from rewards_service.settings import Settings
from servicekit import migrations, testing

PEOPLE = 1000
REVIEWER = UUID(int=1)

# Tasks as people leave them: each with one proof, none of the reviewer's own.
_FILL = """
WITH made AS (
    INSERT INTO task (user_id, app_id, app_name, package_name, points, expires_at)
    SELECT ('00000000-0000-4000-8000-' || lpad((n % $2)::text, 12, '0'))::uuid, gen_random_uuid(), 'Example Reader',
        'org.example.reader', 250, now() + interval '7 days'
    FROM generate_series(1, $1) AS n
    RETURNING id
)
INSERT INTO proof (task_id, attempt, file_sha256, pixels_sha256, image_sha256, thumbnail_sha256, width, height)
SELECT id, 1, md5(id::text), md5(id::text), md5(id::text), md5(id::text), 1080, 2400 FROM made
"""
# Accounts are opened by a first approval, which is not what is measured.
_ACCOUNTS = """
INSERT INTO account (user_id, balance) SELECT DISTINCT user_id, 0 FROM task ON CONFLICT DO NOTHING
"""
_SUBMIT = """
UPDATE task SET status = 'submitted', attempts = 1, proof_id = proof.id, submitted_at = now()
FROM proof WHERE proof.task_id = task.id AND status = 'started'
"""


def prepared_database(postgres_url: str, name: str) -> str:
    """A fresh database with the schema of the service. Returns its URL."""

    async def create() -> None:
        connection = await asyncpg.connect(postgres_url)
        await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()

    asyncio.run(create())
    url = f"{postgres_url.rpartition('/')[0]}/{name}"
    migrations.upgrade(str(rewards_service.__file__), url)
    return url


async def add_submitted_tasks(connection: asyncpg.Connection, count: int) -> list[UUID]:
    """That many tasks that wait for a review. Returns all that wait."""
    async with connection.transaction():
        await connection.execute(_FILL, count, PEOPLE)
        await connection.execute(_SUBMIT)
        await connection.execute(_ACCOUNTS)
        await connection.execute("INSERT INTO account (name) VALUES ('points.issued') ON CONFLICT DO NOTHING")
    await connection.execute("VACUUM ANALYZE")
    return [row["id"] for row in await connection.fetch("SELECT id FROM task WHERE status = 'submitted'")]


def token(user_id: UUID = REVIEWER, *roles: str) -> str:
    """An access token that the service believes for ten minutes."""
    return testing.make_token(user_id, roles or ("reviewer",), Settings.example())


class Rewards:
    """The service as a process that can be killed and started again on the same port."""

    def __init__(self, database_url: str, folder: Path, jwks_url: str, **settings: str) -> None:
        (self.port,) = free_ports(1)
        values = {
            "environment": "production",
            "log_level": "warning",
            "database_url": database_url,
            "cursor_secret": testing.TEST_SECRET,
            "blob_url": f"file://{folder}",
            "jwks_url": jwks_url,
            "catalog_url": "http://127.0.0.1:9",
            "auth_url": "http://127.0.0.1:9",
            **settings,
        }
        self._environment = os.environ | {f"REWARDS_{name.upper()}": value for name, value in values.items()}
        self._log = folder / "log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        command = [sys.executable, "-m", "rewards_service", "serve", "--port", str(self.port)]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)  # noqa: S603 - our own program
        until_it_answers(f"{self.url}/readyz", self.process)

    def kill(self) -> None:
        """SIGKILL, now."""
        if self.process is not None:
            self.process.kill()

    def stop(self, by: int = signal.SIGTERM) -> None:
        """End it, politely or by SIGKILL."""
        if self.process is not None:
            self.process.send_signal(by)
            self.process.wait(timeout=20)


@contextmanager
def served(database_url: str, **settings: str) -> Iterator[Rewards]:
    """Serve rewards on this database until the end of the block; ``settings``: more of ``REWARDS_...``."""
    with published_key() as jwks_url, tempfile.TemporaryDirectory() as folder:
        service = Rewards(database_url, Path(folder), jwks_url, **settings)
        service.start()
        try:
            yield service
        finally:
            service.stop()
