"""Runs, and asking for one."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from isin_worker import schedule
from isin_worker.errors import RunInProgress, RunNotHeld, UnknownRun
from isin_worker.feeds import Feed
from isin_worker.models import Quarantine, Run
from isin_worker.repositories.quarantine import QuarantineRepository
from isin_worker.repositories.runs import RunRepository
from isin_worker.services.feeds import feed_named
from isin_worker.states import Status, Trigger
from servicekit.db import Database
from servicekit.jobs import Ringer


class RunService:
    """Shows runs and takes requests for them.

    It opens its transactions itself, because the bell may ring only after the commit.
    """

    def __init__(self, database: Database, feeds: Mapping[str, Feed], bell: Ringer) -> None:
        self._database = database
        self._feeds = feeds
        self._bell = bell

    async def request(self, name: str, day: date | None, *, force: bool) -> tuple[Run, bool]:
        """Make the run of a business date due and ring the bell; the run, and whether it will be done (again).

        A run that succeeded stays as it is unless ``force``; one that failed or is dead gets all its attempts anew.

        Raises UnknownFeed, DateNotAvailable, and RunInProgress.
        """
        feed = feed_named(self._feeds, name)
        async with self._database.transaction() as session:
            run, due = await self._make_due(RunRepository(session), feed, day, force=force)
        if due:
            await self._bell.ring()
        return run, due

    async def _make_due(self, runs: RunRepository, feed: Feed, day: date | None, *, force: bool) -> tuple[Run, bool]:
        now = await runs.now()
        day = day or schedule.current_date(feed, now)
        run = await runs.of_date(feed.name, day, lock=True)
        if run is not None and run.status == Status.SUCCEEDED and not force:
            return run, False
        schedule.require_fetchable(feed, day, now)
        if run is None:
            await runs.add_due(feed.name, [day], Trigger.API)
            run = await runs.of_date(feed.name, day, lock=True)
            assert run is not None  # noqa: S101 - somebody made it in this very moment, we at the latest
        if run.status == Status.RUNNING:
            if not await runs.is_abandoned(run.id):
                raise RunInProgress
            return run, True
        return await runs.make_due(run.id, forced=force), True

    async def release(self, name: str, run_id: UUID) -> Run:
        """Let the list that gates hold be published if the publisher still has it, and ring the bell.

        Raises UnknownFeed, UnknownRun, RunNotHeld.
        """
        async with self._database.transaction() as session:
            run = await self._held(RunRepository(session), name, run_id)
            run = await RunRepository(session).make_due(run_id, forced=True, released_sha256=run.sha256)
        await self._bell.ring()
        return run

    async def drop(self, name: str, run_id: UUID) -> Run:
        """Settle that the list which gates hold will not be published. Raises UnknownFeed, UnknownRun, RunNotHeld."""
        async with self._database.transaction() as session:
            runs = RunRepository(session)
            await self._held(runs, name, run_id)
            return await runs.drop(run_id)

    async def _held(self, runs: RunRepository, name: str, run_id: UUID) -> Run:
        feed_named(self._feeds, name)
        run = await runs.get(name, run_id, lock=True)
        if run is None:
            raise UnknownRun
        if run.status != Status.HELD:
            raise RunNotHeld(f"The run is {run.status}.")
        return run

    async def get(self, name: str, run_id: UUID) -> Run:
        """One run. Raises UnknownFeed and UnknownRun."""
        feed_named(self._feeds, name)
        async with self._database.transaction() as session:
            run = await RunRepository(session).get(name, run_id)
        if run is None:
            raise UnknownRun
        return run

    async def refused(
        self, name: str, run_id: UUID, *, after: tuple[int, int], limit: int
    ) -> tuple[list[Quarantine], bool]:
        """Refused rows of a run in the list's order, and whether there are more. Raises UnknownFeed and UnknownRun."""
        await self.get(name, run_id)
        async with self._database.transaction() as session:
            rows = await QuarantineRepository(session).page(run_id, after=after, limit=limit + 1)
        return rows[:limit], len(rows) > limit

    async def page(self, name: str, *, before: date | None, limit: int) -> tuple[list[Run], bool]:
        """Runs, the newest business date first, and whether there are more. Raises UnknownFeed."""
        feed_named(self._feeds, name)
        async with self._database.transaction() as session:
            runs = await RunRepository(session).newest(name, before=before, limit=limit + 1)
        return runs[:limit], len(runs) > limit
