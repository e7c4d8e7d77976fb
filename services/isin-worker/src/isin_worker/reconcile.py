"""What is due, and doing it. Whoever rings the bell calls this: it may ring late, twice, or from two machines."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID, uuid4

from sqlalchemy.exc import SQLAlchemyError

from isin_worker import schedule
from isin_worker.errors import FeedError, LeaseLost, OutdatedList
from isin_worker.feeds import Feed
from isin_worker.models import Run
from isin_worker.pipeline.publish import Claim
from isin_worker.pipeline.run import Pipeline
from isin_worker.repositories.publications import PublicationRepository
from isin_worker.repositories.runs import RunRepository
from isin_worker.services.feeds import feed_named
from isin_worker.states import Status, Trigger
from servicekit.db import Database
from servicekit.logs import get_logger

LONGEST_WAIT = timedelta(hours=2)

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a lease lasts without a heartbeat, and how often and after what waits a run is tried."""

    lease: timedelta
    max_attempts: int
    backoff: timedelta

    def wait(self, attempts: int) -> timedelta:
        """The wait after this many attempts."""
        return min(self.backoff * (1 << min(attempts - 1, 16)), LONGEST_WAIT)


@dataclass(frozen=True, slots=True)
class Visit:
    """A run as a reconciliation left it, and whether it was this one that did it."""

    run: Run
    worked: bool


class Reconciler:
    """Brings the ledger of runs up to date and does what is due in it."""

    def __init__(self, database: Database, pipeline: Pipeline, feeds: Mapping[str, Feed], patience: Patience) -> None:
        self._database = database
        self._pipeline = pipeline
        self._feeds = feeds
        self._patience = patience

    async def reconcile(
        self,
        *,
        feed: str | None = None,
        day: date | None = None,
        trigger: Trigger = Trigger.SCHEDULE,
        force: bool = False,
    ) -> list[Visit]:
        """Make what is due a run, then do every run that wants doing and that nobody does. Safe at any time, anywhere.

        Without ``day``, the dates that are due by the database's clock. With ``force`` also what is done is done again,
        unless somebody is at it. Returns the runs that were due or done.

        Raises UnknownFeed, and DateNotAvailable for a ``day`` whose list can't be fetched.
        """
        feeds = [feed_named(self._feeds, feed)] if feed else list(self._feeds.values())
        seen = await self._make_due(feeds, day, trigger)
        if force:
            await self._make_due_again(seen)
        worked: set[UUID] = set()
        while (claim := await self._claim(feeds, day)) is not None:
            await self._work(claim)
            worked.add(claim.run_id)
        async with self._database.transaction() as session:
            runs = await RunRepository(session).by_ids(seen | worked)
        return [Visit(run, run.id in worked) for run in runs]

    async def _make_due(self, feeds: list[Feed], day: date | None, trigger: Trigger) -> set[UUID]:
        async with self._database.transaction() as session:
            runs = RunRepository(session)
            now = await runs.now()
            published = await PublicationRepository(session).dates()
            await runs.close_exhausted(self._patience.max_attempts)
            seen: set[UUID] = set()
            for feed in feeds:
                due = schedule.due_dates(feed, now)
                await runs.close_passed(feed.name, before=due[0])
                if day is not None and await runs.of_date(feed.name, day) is None:
                    schedule.require_fetchable(feed, day, now)
                newest = published.get(feed.name, due[0])
                # What stands may be newer than what is due, as today's list may be asked for before its hour.
                dates = [day] if day else [date_ for date_ in due if date_ >= newest] or [newest]
                await runs.add_due(feed.name, dates, trigger)
                seen |= await runs.ids(feed.name, dates)
            return seen

    async def _make_due_again(self, ids: set[UUID]) -> None:
        async with self._database.transaction() as session:
            runs = RunRepository(session)
            for run in await runs.by_ids(ids, lock=True):
                if run.status != Status.RUNNING:
                    await runs.make_due(run.id, forced=True)

    async def _claim(self, feeds: list[Feed], day: date | None) -> Claim | None:
        owner = uuid4()
        async with self._database.transaction() as session:
            run = await RunRepository(session).claim(
                owner, self._patience.lease, feeds=[feed.name for feed in feeds], day=day
            )
        if run is None:
            return None
        log.info("run.started", feed=run.feed, business_date=str(run.business_date), attempt=run.attempts)
        return Claim(
            run.id,
            owner,
            self._feeds[run.feed],
            run.business_date,
            run.forced,
            run.attempts,
            run.released_sha256,
            final=self._is_final(run),
        )

    def _is_final(self, run: Run) -> bool:
        """Whether the publisher has had its time: the last attempt, a day that is over, or released as it is."""
        assert run.started_at is not None  # noqa: S101 - it was claimed
        over = run.business_date < schedule.current_date(self._feeds[run.feed], run.started_at)
        return over or run.attempts >= self._patience.max_attempts or run.released_sha256 is not None

    async def _work(self, claim: Claim) -> None:
        """Do a run; whatever happens to it is in the ledger afterwards."""
        try:
            status = await self._under_lease(claim)
        except LeaseLost:
            log.warning("run.lost", feed=claim.feed.name, business_date=str(claim.business_date))
        except OutdatedList as error:
            await self._fail(claim, str(error), for_good=True)
        except FeedError as error:
            await self._fail(claim, str(error))
        except OSError as error:
            await self._fail(claim, f"the spool folder or the network failed: {error.strerror or type(error).__name__}")
        except asyncio.CancelledError:
            await self._release(claim)
            raise
        except Exception as error:
            log.exception("run.crashed", feed=claim.feed.name, business_date=str(claim.business_date))
            await self._fail(claim, f"an error of ours: {type(error).__name__}")
        else:
            tell = log.error if status == Status.HELD else log.info
            tell(f"run.{status}", feed=claim.feed.name, business_date=str(claim.business_date))

    async def _under_lease(self, claim: Claim) -> Status:
        """The pipeline beside a heartbeat; the first that ends ends the other."""
        work = asyncio.create_task(self._pipeline.run(claim))
        heartbeat = asyncio.create_task(self._keep_lease(claim))
        try:
            await asyncio.wait({work, heartbeat}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                heartbeat.result()
            return work.result()
        finally:
            work.cancel()
            heartbeat.cancel()
            await asyncio.gather(work, heartbeat, return_exceptions=True)

    async def _keep_lease(self, claim: Claim) -> None:
        while True:
            await asyncio.sleep(self._patience.lease.total_seconds() / 3)
            try:
                async with self._database.transaction() as session:
                    kept = await RunRepository(session).renew(claim.run_id, claim.owner, self._patience.lease)
            except (OSError, SQLAlchemyError) as error:
                # The database may be back before the lease ends; and if it is not, the fence holds.
                log.warning("heartbeat.failed", feed=claim.feed.name, error=type(error).__name__)
                continue
            if not kept:
                raise LeaseLost("somebody else took the run over")

    async def _fail(self, claim: Claim, error: str, *, for_good: bool = False) -> None:
        final = for_good or claim.attempt >= self._patience.max_attempts
        status = Status.DEAD if final else Status.FAILED
        async with self._database.transaction() as session:
            ours = await RunRepository(session).fail(
                claim.run_id, claim.owner, error, status=status, wait=self._patience.wait(claim.attempt)
            )
        event = f"run.{status}" if ours else "run.lost"
        tell = log.error if ours and final else log.warning
        tell(event, feed=claim.feed.name, business_date=str(claim.business_date), error=error)

    async def _release(self, claim: Claim) -> None:
        async with self._database.transaction() as session:
            await RunRepository(session).release(claim.run_id, claim.owner)
        log.info("run.released", feed=claim.feed.name, business_date=str(claim.business_date))
