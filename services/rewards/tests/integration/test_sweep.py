"""What the worker tidies up, and that it never takes what somebody needs."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from click.testing import CliRunner
from fastapi import FastAPI

from media.blobs import BlobStore
from media.errors import BlobError
from rewards_service.cli import main
from rewards_service.services.sweep import Sweeper
from rewards_service.settings import Settings
from servicekit.testing import TEST_SECRET

pytestmark = pytest.mark.integration
NOTHING = {
    "tasks_expired": 0, "leases_ended": 0, "transactions_sealed": 0, "answers_forgotten": 0, "events_forgotten": 0,
    "blobs_deleted": 0,
}  # fmt: skip
OVERDUE = (
    "INSERT INTO task (user_id, app_id, app_name, package_name, points, expires_at) SELECT uuidv7(), uuidv7(), "
    "'App', 'org.example', 10, now() - make_interval(secs => number) FROM generate_series(1, $1) AS number"
)


@pytest.fixture
def sweeper(app: FastAPI, settings: Settings) -> Sweeper:
    return Sweeper(app.state.database, BlobStore(settings.blob_url))


def _blobs(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


async def _uploads(sql: asyncpg.Connection) -> int:
    return int(await sql.fetchval("SELECT count(*) FROM upload"))


async def _abandoned(sql: asyncpg.Connection, *digests: str) -> None:
    """Uploads of these blobs that were cut before there was a proof, long ago."""
    await sql.executemany("INSERT INTO upload (digest) VALUES ($1)", [(digest,) for digest in digests])
    await sql.execute("UPDATE upload SET created_at = created_at - interval '61 minutes'")


async def test_tasks_past_their_time_expire_and_no_others(
    person: Any, offered: Any, sql: asyncpg.Connection, sweeper: Sweeper
) -> None:
    users = [person() for _ in range(3)]
    overdue = [(await user.start(offered())).json()["id"] for user in users]
    await sql.execute("UPDATE task SET expires_at = now() - interval '1 second'")
    fresh = (await person().start(offered())).json()["id"]
    waiting = await person().submitted_task(offered())
    await sql.execute("UPDATE task SET expires_at = now() - interval '1 second' WHERE id = $1", UUID(waiting))
    assert await sweeper.sweep() == NOTHING | {"tasks_expired": 3}
    assert await sweeper.sweep() == NOTHING
    rows = await sql.fetch("SELECT id, status FROM task")
    assert {str(row["id"]): row["status"] for row in rows} == {
        **dict.fromkeys(overdue, "expired"), fresh: "started", waiting: "submitted",
    }  # fmt: skip
    told = "SELECT count(*) FROM event WHERE data ->> 'status' = 'expired'"
    assert await sql.fetchval(told) == 3


async def test_more_tasks_than_one_batch_expire(sql: asyncpg.Connection, sweeper: Sweeper) -> None:
    await sql.execute(OVERDUE, 1203)
    assert (await sweeper.sweep())["tasks_expired"] == 1203


async def test_eight_sweeps_at_once_do_the_work_once(
    person: Any, offered: Any, sql: asyncpg.Connection, sweeper: Sweeper
) -> None:
    user, reviewer = person(), person("reviewer")
    for _ in range(4):
        await reviewer.decide(await user.submitted_task(offered()), decision="approve")
        await user.start(offered())
    await sql.execute("UPDATE task SET expires_at = now() WHERE status = 'started'")
    results = await asyncio.gather(*(sweeper.sweep() for _ in range(8)))
    assert {name: sum(result[name] for result in results) for name in NOTHING} == NOTHING | {
        "tasks_expired": 4, "transactions_sealed": 4,
    }  # fmt: skip


async def test_leases_that_are_over_are_forgotten(
    person: Any, offered: Any, sql: asyncpg.Connection, sweeper: Sweeper
) -> None:
    reviewer = person("reviewer")
    over, held = [await person().submitted_task(offered()) for _ in range(2)]
    for task_id in (over, held):
        await reviewer.post(f"/api/v1/reviews/{task_id}/lease")
    await sql.execute("UPDATE task SET leased_until = now() WHERE id = $1", UUID(over))
    assert (await sweeper.sweep())["leases_ended"] == 1
    assert [row["id"] for row in await sql.fetch("SELECT id FROM task WHERE leased_by IS NOT NULL")] == [UUID(held)]


async def test_events_and_answers_are_kept_for_seven_days(
    person: Any, offered: Any, sql: asyncpg.Connection, sweeper: Sweeper
) -> None:
    user = person()
    for _ in range(3):
        await user.start(offered())
    await sql.execute("UPDATE event SET created_at = now() - interval '7 days 1 second' WHERE id <= 2")
    await sql.execute("UPDATE event SET created_at = now() - interval '6 days 23 hours' WHERE id = 3")
    await sql.execute("UPDATE idempotency_key SET created_at = now() - interval '7 days 1 second'")
    assert await sweeper.sweep() == NOTHING | {"events_forgotten": 2, "answers_forgotten": 3}
    assert [row["id"] for row in await sql.fetch("SELECT id FROM event")] == [3]


async def test_a_picture_of_no_proof_is_deleted_when_it_is_old_and_not_before(
    person: Any, offered: Any, sql: asyncpg.Connection, sweeper: Sweeper, blob_folder: Path,
    picture: Callable[..., bytes], until_waiting: Any,
) -> None:  # fmt: skip
    """Six send a proof of one task at once, and one is taken: the pictures of the others belong to nothing."""
    user = person()
    task_id = (await user.start(offered())).json()["id"]
    before = _blobs(blob_folder)
    holding = sql.transaction()
    await holding.start()
    await sql.execute("SELECT FROM task WHERE id = $1 FOR UPDATE", UUID(task_id))
    pictures = [picture(colour=(9, number * 40, 200)) for number in range(6)]
    sending = asyncio.gather(*(user.send_proof(task_id, content) for content in pictures))
    await until_waiting(6)
    await holding.rollback()
    assert sorted(answer.status_code for answer in await sending) == [201] + [409] * 5
    stored = _blobs(blob_folder) - before
    assert len(stored) == 12
    assert await sweeper.sweep() == NOTHING
    await _abandoned(sql)
    assert await sweeper.sweep() == NOTHING | {"blobs_deleted": 10}
    kept = await sql.fetchrow("SELECT image_sha256, thumbnail_sha256 FROM proof")
    assert _blobs(blob_folder) - before == set(kept)
    assert await _uploads(sql) == 0
    assert await sweeper.sweep() == NOTHING


async def test_a_picture_that_a_proof_has_too_stays(
    person: Any, offered: Any, sql: asyncpg.Connection, sweeper: Sweeper, picture: Callable[..., bytes]
) -> None:
    user = person()
    task_id = (await user.start(offered())).json()["id"]
    proof = (await user.send_proof(task_id, picture(colour=(9, 9, 201)))).json()
    assert await _uploads(sql) == 0
    await _abandoned(sql, *await sql.fetchrow("SELECT image_sha256, thumbnail_sha256 FROM proof"))
    assert await sweeper.sweep() == NOTHING
    assert (await user.get(f"/api/v1/proofs/{proof['id']}/image")).status_code == 200
    assert await _uploads(sql) == 0


async def test_a_picture_that_is_just_being_sent_again_stays(
    sql: asyncpg.Connection, sweeper: Sweeper, settings: Settings
) -> None:
    blobs = BlobStore(settings.blob_url)
    digest = await blobs.put(b"sent before, and again")
    await _abandoned(sql, digest)
    await sql.execute("INSERT INTO upload (digest) VALUES ($1)", digest)
    assert await sweeper.sweep() == NOTHING
    assert await blobs.get(digest)
    assert await _uploads(sql) == 1


class _SlowToDelete(BlobStore):
    """Waits in the middle of a deletion."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.deleting, self.go_on = asyncio.Event(), asyncio.Event()

    async def delete(self, digest: str) -> None:
        self.deleting.set()
        await self.go_on.wait()
        await super().delete(digest)


async def test_who_sends_a_picture_while_it_is_deleted_waits_and_keeps_it(
    app: FastAPI, person: Any, offered: Any, sql: asyncpg.Connection, settings: Settings,
    picture: Callable[..., bytes], until_waiting: Any,
) -> None:  # fmt: skip
    user, content = person(), picture(colour=(9, 9, 202))
    first, second = [(await user.start(offered())).json()["id"] for _ in range(2)]
    await user.send_proof(first, content)
    digest = await sql.fetchval("SELECT image_sha256 FROM proof")
    await sql.execute("UPDATE proof SET image_sha256 = 'gone'")
    await _abandoned(sql, digest)
    blobs = _SlowToDelete(settings.blob_url)
    sweeping = asyncio.create_task(Sweeper(app.state.database, blobs).sweep())
    await blobs.deleting.wait()
    sending = asyncio.create_task(user.send_proof(second, content))
    await until_waiting(1)
    blobs.go_on.set()
    assert (await sweeping)["blobs_deleted"] == 1
    sent = await sending
    assert sent.status_code == 201
    assert (await user.get(f"/api/v1/proofs/{sent.json()['id']}/image")).status_code == 200


class _Stuck(BlobStore):
    """Deletes nothing."""

    async def delete(self, digest: str) -> None:
        raise BlobError(digest)


async def test_what_can_not_be_deleted_now_is_deleted_the_next_time(
    app: FastAPI, sql: asyncpg.Connection, sweeper: Sweeper, settings: Settings, blob_folder: Path
) -> None:
    digest = await BlobStore(settings.blob_url).put(b"an orphan")
    await _abandoned(sql, digest)
    assert await Sweeper(app.state.database, _Stuck(settings.blob_url)).sweep() == NOTHING
    assert digest in _blobs(blob_folder)
    assert await sweeper.sweep() == NOTHING | {"blobs_deleted": 1}
    assert digest not in _blobs(blob_folder)


def _command(settings: Settings) -> CliRunner:
    return CliRunner(
        env={
            "REWARDS_ENVIRONMENT": "test",
            "REWARDS_DATABASE_URL": settings.database_url.get_secret_value(),
            "REWARDS_CURSOR_SECRET": TEST_SECRET,
            "REWARDS_CATALOG_URL": "http://catalog.invalid",
            "REWARDS_AUTH_URL": "http://auth.invalid",
            "REWARDS_BLOB_URL": settings.blob_url,
        }
    )


async def test_the_command_sweeps_once_and_counts(sql: asyncpg.Connection, settings: Settings) -> None:
    await sql.execute(OVERDUE, 1)
    for expected in (NOTHING | {"tasks_expired": 1}, NOTHING):
        # A thread, as the command runs a loop of its own.
        ran = await asyncio.to_thread(_command(settings).invoke, main, ["sweep"])
        assert ran.exit_code == 0, ran.output
        assert json.loads(ran.stdout) == expected


async def test_a_worker_without_a_queue_says_what_is_missing(settings: Settings) -> None:
    ran = _command(settings).invoke(main, ["worker"])
    assert (ran.exit_code, ran.stdout) == (78, "")
    assert ran.stderr.startswith("rewards: REWARDS_REDIS_URL")
    assert len(ran.stderr.splitlines()) == 1
