"""What must hold whenever nothing is under way, of what people were told, the ledger, the files and the sessions."""

import asyncio
import os
import sys
from pathlib import Path

import asyncpg
from platform_history import Earner
from platform_lane import Lane

from rewards_service.services.ledger import verify
from rewards_service.settings import Settings
from servicekit.db import Database

_NAMED = """
SELECT image_sha256 FROM proof UNION SELECT thumbnail_sha256 FROM proof UNION SELECT digest FROM upload
"""
# What was begun long ago and never became a proof is nobody's: an hour later a sweep deletes it.
_AN_HOUR_LATER = "UPDATE upload SET created_at = created_at - interval '2 hours'"
_LEASED = """
SELECT id, status, leased_until FROM task WHERE leased_until < now() OR status <> 'submitted' AND leased_by IS NOT NULL
"""
_UNFINISHED = "SELECT id, status, error FROM run WHERE status IN ('pending', 'running', 'failed', 'dead')"
_LEFT_OPEN = """
SELECT count(*) FROM pg_stat_activity
WHERE state LIKE 'idle in transaction%' AND state_change < now() - interval '15 seconds'
"""


async def violations(lane: Lane, earners: list[Earner]) -> list[str]:
    """What does not hold, in words; an empty list when all does."""
    return [
        *await _of_the_ledger(lane),
        *[fault for earner in earners for fault in await _of_a_person(earner)],
        *await _of_the_database(lane),
    ]


async def _of_the_ledger(lane: Lane) -> list[str]:
    database = Database(Settings.example(database_url=lane.database_url), application_name="platform faults")
    try:
        found = await verify(database)
    finally:
        await database.close()
    return [] if found.ok else [f"the ledger: {found.model_dump_json()}"]


async def _of_a_person(earner: Earner) -> list[str]:
    faults = []
    balance = (await earner.person.get("/api/v1/points")).json()["balance"]
    if balance != earner.points:
        faults.append(f"{earner.person.id}: {earner.points} points acknowledged, a balance of {balance}")
        earner.points = balance  # each harm is counted once
    states = {}
    page: str | None = "/api/v1/tasks?limit=100"
    while page:
        answer = (await earner.person.get(page)).json()
        states |= {task["id"]: task["status"] for task in answer["items"]}
        cursor = answer["next_cursor"]
        page = f"/api/v1/tasks?limit=100&cursor={cursor}" if cursor else None
    if states != earner.states:
        both = {one: (earner.states.get(one), states.get(one)) for one in states.keys() | earner.states.keys()}
        differing = {one: (told, is_) for one, (told, is_) in both.items() if told != is_}
        faults.append(f"{earner.person.id}: tasks as told and as they are {differing}")
        earner.states = states
    for proof_id in earner.proofs[-2:]:
        image = await earner.person.get(f"/api/v1/proofs/{proof_id}/image")
        if image.status_code != 200 or not image.content:
            faults.append(f"proof {proof_id}: {image.status_code}")
    return faults


async def _of_the_database(lane: Lane) -> list[str]:
    stored = _stored(lane.var / "blobs")  # before the rows: a row is there before its file
    connection = await asyncpg.connect(lane.database_url)
    try:
        named = {row[0] for row in await connection.fetch(_NAMED)}
        left_open = await connection.fetchval(_LEFT_OPEN)
    finally:
        await connection.close()
    faults = [f"a file that no row names: {one}" for one in sorted(stored - named)[:3]]
    return [*faults, *([f"{left_open} sessions left in a transaction"] if left_open else [])]


async def afterwards(lane: Lane) -> list[str]:
    """What is left an hour later, when the sweep has been: files without a proof, leases, runs that never end."""
    rewards, isin = await asyncpg.connect(lane.database_url), await asyncpg.connect(lane.isin_database_url)
    try:
        await rewards.execute(_AN_HOUR_LATER)
        command = [sys.executable, "-m", "rewards_service", "sweep"]
        sweep = await asyncio.create_subprocess_exec(*command, env=lane.parts["rewards-worker"].launch.env)
        if await sweep.wait():
            return ["the sweep failed"]
        named = {row[0] for row in await rewards.fetch(_NAMED)}
        stuck = [dict(row) for row in [*await rewards.fetch(_LEASED), *await isin.fetch(_UNFINISHED)]]
    finally:
        await rewards.close()
        await isin.close()
    stored = _stored(lane.var / "blobs")
    return [
        *(f"an orphan: {one}" for one in stored - named),
        *(f"a lost file: {one}" for one in named - stored),
        *(f"stuck: {one}" for one in stuck),
    ]


def _stored(blobs: Path) -> set[str]:
    return {name for _, _, files in os.walk(blobs) for name in files}
