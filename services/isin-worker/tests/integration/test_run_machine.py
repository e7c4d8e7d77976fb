"""The ledger of runs against a model in plain Python: whatever workers, clocks and people do, both say the same.

Workers keep what they claimed for as long as they like: many a step is done by one whose run is another's by then.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isin_worker.repositories.runs import RunRepository
from isin_worker.states import Status, Trigger
from servicekit import testing
from servicekit.db import Database

pytestmark = pytest.mark.integration

FEED, WORKERS, MOST_ATTEMPTS = "nse-equity", 3, 3
DAYS = [date(2026, 3, 2) + timedelta(days=number) for number in range(3)]
LEASE, WAIT = timedelta(hours=1), timedelta(hours=1)

days, workers = st.sampled_from(DAYS), st.integers(0, WORKERS - 1)
steps = st.one_of(
    st.tuples(st.just("due"), days),
    st.tuples(st.just("claim"), workers),
    st.tuples(st.just("claim"), workers),
    st.tuples(st.sampled_from(["renew", "fail", "give up", "succeed", "hold", "release"]), workers),
    st.tuples(st.just("lease ends"), days),
    st.tuples(st.just("time passes"), st.none()),
    st.tuples(st.sampled_from(["again", "drop"]), days),
    st.tuples(st.just("close exhausted"), st.none()),
    st.tuples(st.just("close passed"), days),
)


@dataclass
class Modelled:
    """A run as it should be."""

    status: Status = Status.PENDING
    attempts: int = 0
    owner: UUID | None = None
    abandoned: bool = False
    early: bool = False

    def settle(self, status: Status) -> None:
        self.status, self.owner, self.abandoned, self.early = status, None, False, False

    @property
    def unfinished(self) -> bool:
        return self.abandoned or self.status in {Status.PENDING, Status.FAILED}


@dataclass
class Model:
    """What the ledger should do."""

    runs: dict[date, Modelled] = field(default_factory=dict)

    def claim(self, owner: UUID) -> date | None:
        for day in sorted(self.runs):
            run = self.runs[day]
            if run.abandoned or (run.unfinished and not run.early):
                run.settle(Status.RUNNING)
                run.owner, run.attempts = owner, run.attempts + 1
                return day
        return None

    def by_worker(self, name: str, day: date, owner: UUID) -> bool:
        run = self.runs[day]
        if run.owner != owner:
            return False
        if name == "renew":
            run.abandoned = False
        elif name == "release":
            run.settle(Status.PENDING)
            run.attempts -= 1
        else:
            ends = {"fail": Status.FAILED, "give up": Status.DEAD, "succeed": Status.SUCCEEDED, "hold": Status.HELD}
            run.settle(ends[name])
            run.early = name == "fail"
        return True

    def by_others(self, name: str, day: date | None) -> None:
        match name, self.runs.get(day) if day else None:
            case "lease ends", Modelled(status=Status.RUNNING) as run:
                run.abandoned = True
            case "again", Modelled() as run if run.owner is None:
                run.settle(Status.PENDING)
                run.attempts = 0
            case "drop", Modelled(status=Status.HELD) as run:
                run.settle(Status.DROPPED)
        for other, run in self.runs.items():
            if name == "time passes":
                run.early = False
            exhausted = name == "close exhausted" and run.abandoned and run.attempts >= MOST_ATTEMPTS
            passed = name == "close passed" and day is not None and other < day and run.unfinished
            if exhausted or passed:
                run.settle(Status.DEAD)


class Ledger:
    """The real one, with the same steps."""

    def __init__(self, database: Database, sql: asyncpg.Connection) -> None:
        self.database, self.sql = database, sql

    async def rows(self) -> dict[date, tuple[Status, int, UUID | None]]:
        found = await self.sql.fetch("SELECT business_date, status, attempts, owner FROM run")
        return {row["business_date"]: (Status(row["status"]), row["attempts"], row["owner"]) for row in found}

    async def due(self, day: date) -> None:
        async with self.database.transaction() as session:
            await RunRepository(session).add_due(FEED, [day], Trigger.SCHEDULE)

    async def claim(self, owner: UUID) -> tuple[UUID, date] | None:
        async with self.database.transaction() as session:
            run = await RunRepository(session).claim(owner, LEASE, feeds=[FEED], day=None)
            return (run.id, run.business_date) if run else None

    async def by_worker(self, name: str, run_id: UUID, owner: UUID) -> bool:
        async with self.database.transaction() as session:
            runs = RunRepository(session)
            match name:
                case "renew":
                    return await runs.renew(run_id, owner, LEASE)
                case "fail":
                    return await runs.fail(run_id, owner, "it failed", status=Status.FAILED, wait=WAIT)
                case "give up":
                    return await runs.fail(run_id, owner, "it failed", status=Status.DEAD, wait=WAIT)
                case "succeed":
                    return await runs.succeed(run_id, owner, added=1)
                case "hold":
                    return await runs.hold(run_id, owner, gate=[])
            before = await self.rows()
            await runs.release(run_id, owner)
        return before != await self.rows()

    async def by_others(self, name: str, day: date | None) -> None:
        if name == "lease ends":
            await self.sql.execute(
                "UPDATE run SET lease_expires_at = now() - interval '1 second'"
                " WHERE status = 'running' AND business_date = $1",
                day,
            )
        if name == "time passes":
            await self.sql.execute("UPDATE run SET next_try_at = now() - interval '1 second'")
        async with self.database.transaction() as session:
            runs = RunRepository(session)
            run = await runs.of_date(FEED, day, lock=True) if day else None
            if name == "again" and run and run.owner is None:
                await runs.make_due(run.id, forced=False)
            if name == "drop" and run and run.status == Status.HELD:
                await runs.drop(run.id)
            if name == "close exhausted":
                await runs.close_exhausted(MOST_ATTEMPTS)
            if name == "close passed" and day:
                await runs.close_passed(FEED, day)


async def play(model: Model, ledger: Ledger, plan: list[tuple[str, Any]]) -> None:
    claims: dict[int, tuple[UUID, date, UUID]] = {}
    for name, which in plan:
        if name == "due":
            model.runs.setdefault(which, Modelled())
            await ledger.due(which)
        elif name == "claim":
            owner = uuid4()
            claimed = await ledger.claim(owner)
            assert (claimed[1] if claimed else None) == model.claim(owner)
            if claimed:
                claims[which] = (*claimed, owner)
        elif not isinstance(which, int):
            model.by_others(name, which)
            await ledger.by_others(name, which)
        elif which in claims:
            run_id, day, owner = claims[which]
            assert await ledger.by_worker(name, run_id, owner) == model.by_worker(name, day, owner)
        expected = {day: (run.status, run.attempts, run.owner) for day, run in model.runs.items()}
        assert await ledger.rows() == expected, (name, which)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(plan=st.lists(steps, min_size=10, max_size=60))
async def test_the_ledger_of_runs_does_what_the_model_does(
    app: FastAPI, db: asyncpg.Connection, database_url: str, plan: list[tuple[str, Any]]
) -> None:
    await testing.empty_tables(database_url)
    await play(Model(), Ledger(app.state.database, db), plan)
