"""The ledger of runs. Every write of a worker is fenced: it counts only while the run is still the worker's own."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from isin_worker.models import Publication, Run
from isin_worker.states import Status, Trigger

_WAITING = (Status.PENDING, Status.FAILED)
_NOBODYS: dict[str, Any] = {"owner": None, "lease_expires_at": None}
_ABANDONED = and_(col(Run.status) == Status.RUNNING, col(Run.lease_expires_at) <= func.now())


class RunRepository:
    """Runs by feed and business date."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def now(self) -> datetime:
        """The database's clock, the only one that decides what is due."""
        now: datetime = await self._session.scalar(select(func.now()))  # type: ignore[assignment]  # never null
        return now

    async def add_due(self, feed: str, dates: Iterable[date], trigger: Trigger) -> None:
        """Make the dates due. Those that are already known stay as they are."""
        rows = [{"feed": feed, "business_date": day, "trigger": trigger} for day in dates]
        await self._session.execute(insert(Run).values(rows).on_conflict_do_nothing())

    async def close_passed(self, feed: str, before: date) -> None:
        """Give up what was never finished and can be fetched no more."""
        passed = and_(col(Run.feed) == feed, col(Run.business_date) < before)
        unfinished = or_(col(Run.status).in_(_WAITING), _ABANDONED)
        why = "the day passed, and the publisher shows this list no more"
        await self._session.execute(
            update(Run)
            .where(passed, unfinished)
            .values(
                status=Status.DEAD, error=func.concat_ws("; ", why, col(Run.error)), finished_at=func.now(), **_NOBODYS
            )
        )

    async def close_exhausted(self, max_attempts: int) -> None:
        """Give up what took its worker down with it as often as is allowed."""
        why = f"the worker was lost in each of the last attempts, {max_attempts} at most are made"
        await self._session.execute(
            update(Run)
            .where(_ABANDONED, col(Run.attempts) >= max_attempts)
            .values(status=Status.DEAD, error=why, finished_at=func.now(), **_NOBODYS)
        )

    async def claim(self, owner: UUID, lease: timedelta, *, feeds: Iterable[str], day: date | None) -> Run | None:
        """Take the oldest run that wants doing and that nobody does, or None."""
        due = or_(and_(col(Run.status).in_(_WAITING), col(Run.next_try_at) <= func.now()), _ABANDONED)
        wanted = col(Run.business_date) == day if day else col(Run.id).is_not(None)
        oldest = (
            select(col(Run.id))
            .where(due, wanted, col(Run.feed).in_(list(feeds)))
            .order_by(col(Run.business_date), col(Run.feed))
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        return await self._change(
            col(Run.id) == oldest.scalar_subquery(),
            status=Status.RUNNING,
            attempts=col(Run.attempts) + 1,
            owner=owner,
            lease_expires_at=func.now() + lease,
            started_at=func.now(),
            finished_at=None,
        )

    async def renew(self, run_id: UUID, owner: UUID, lease: timedelta) -> bool:
        """Prolong the lease; False when it is somebody else's by now."""
        return await self._change(_own(run_id, owner), lease_expires_at=func.now() + lease) is not None

    async def release(self, run_id: UUID, owner: UUID) -> None:
        """Put the run back as if it had not been tried: this process has to stop."""
        await self._change(
            _own(run_id, owner),
            status=Status.PENDING,
            attempts=col(Run.attempts) - 1,
            next_try_at=func.now(),
            **_NOBODYS,
        )

    async def fail(self, run_id: UUID, owner: UUID, error: str, *, status: Status, wait: timedelta) -> bool:
        """Record a failed attempt; False when the run is somebody else's by now."""
        changes = {"status": status, "error": error, "next_try_at": func.now() + wait, "finished_at": func.now()}
        return await self._change(_own(run_id, owner), **changes, **_NOBODYS) is not None

    async def hold(self, run_id: UUID, owner: UUID, **facts: Any) -> bool:
        """Record that gates keep the list back; False when the run is somebody else's by now."""
        changes = {"status": Status.HELD, "forced": False, "finished_at": func.now()}
        return await self._change(_own(run_id, owner), **changes, **_NOBODYS, **facts) is not None

    async def succeed(self, run_id: UUID, owner: UUID, **facts: Any) -> bool:
        """Record what came out; False when the run is somebody else's by now, and then nothing may be published."""
        changes = {"status": Status.SUCCEEDED, "error": None, "gate": None, "forced": False, "finished_at": func.now()}
        return await self._change(_own(run_id, owner), **changes, **_NOBODYS, **facts) is not None

    async def make_due(self, run_id: UUID, *, forced: bool, released_sha256: str | None = None) -> Run:
        """Let a run that ended be done again, with all its attempts; the gates let the list of this hash pass."""
        run = await self._change(
            col(Run.id) == run_id,
            status=Status.PENDING,
            forced=forced,
            released_sha256=released_sha256,
            attempts=0,
            next_try_at=func.now(),
            **_NOBODYS,
        )
        assert run is not None  # noqa: S101 - the caller holds its lock
        return run

    async def drop(self, run_id: UUID) -> Run:
        """Settle that what is held will not be published."""
        run = await self._change(col(Run.id) == run_id, status=Status.DROPPED, finished_at=func.now())
        assert run is not None  # noqa: S101 - the caller holds its lock
        return run

    async def drop_held(self, feed: str, before: date) -> None:
        """Settle that held lists of these dates will not be published: a newer one is."""
        await self._session.execute(
            update(Run)
            .where(col(Run.feed) == feed, col(Run.business_date) < before, col(Run.status) == Status.HELD)
            .values(status=Status.DROPPED)
        )

    async def is_abandoned(self, run_id: UUID) -> bool:
        """Whether it is running for somebody whose lease has run out."""
        return await self._session.scalar(select(col(Run.id)).where(col(Run.id) == run_id, _ABANDONED)) is not None

    async def of_date(self, feed: str, day: date, *, lock: bool = False) -> Run | None:
        """The run of a business date; locked until the transaction ends when it is going to change."""
        query = select(Run).where(col(Run.feed) == feed, col(Run.business_date) == day)
        return await self._session.scalar(query.with_for_update() if lock else query)

    async def ids(self, feed: str, dates: Iterable[date]) -> set[UUID]:
        """The ids of the runs of these business dates."""
        query = select(col(Run.id)).where(col(Run.feed) == feed, col(Run.business_date).in_(list(dates)))
        return set(await self._session.scalars(query))

    async def get(self, feed: str, run_id: UUID, *, lock: bool = False) -> Run | None:
        """A run of this feed; locked until the transaction ends when it is going to change."""
        query = select(Run).where(col(Run.feed) == feed, col(Run.id) == run_id)
        return await self._session.scalar(query.with_for_update() if lock else query)

    async def by_ids(self, ids: Iterable[UUID], *, lock: bool = False) -> list[Run]:
        """These runs, by business date; locked until the transaction ends when they are going to change."""
        query = select(Run).where(col(Run.id).in_(list(ids))).order_by(col(Run.business_date), col(Run.feed))
        return list(await self._session.scalars(query.with_for_update() if lock else query))

    async def alerts(self, feed: str) -> list[Run]:
        """Runs that wait for somebody and are newer than the list which stands, the newest first."""
        standing = select(col(Publication.business_date)).where(col(Publication.feed) == feed).scalar_subquery()
        query = (
            select(Run)
            .where(col(Run.feed) == feed, col(Run.status).in_((Status.HELD, Status.DEAD)))
            .where(col(Run.business_date) >= func.coalesce(standing, date.min))
            .order_by(col(Run.business_date).desc())
        )
        return list(await self._session.scalars(query))

    async def open_dates(self) -> dict[tuple[str, str], Sequence[date]]:
        """By feed and status, the dates from the one that stands on."""
        day, of_feed = col(Run.business_date), col(Publication.feed) == col(Run.feed)
        query = (
            select(col(Run.feed), col(Run.status), func.array_agg(day))
            .outerjoin(Publication, of_feed)
            .where(day >= func.coalesce(col(Publication.business_date), date.min))
            .group_by(col(Run.feed), col(Run.status))
        )
        return {(feed, status): days for feed, status, days in await self._session.execute(query)}

    async def newest(self, feed: str, *, before: date | None, limit: int) -> list[Run]:
        """Runs of a feed, the newest business date first, older than ``before``."""
        query = select(Run).where(col(Run.feed) == feed).order_by(col(Run.business_date).desc()).limit(limit)
        if before is not None:
            query = query.where(col(Run.business_date) < before)
        return list(await self._session.scalars(query))

    async def _change(self, which: ColumnElement[bool], **values: Any) -> Run | None:
        statement = update(Run).where(which).values(**values).returning(Run)
        return await self._session.scalar(
            statement.execution_options(populate_existing=True, synchronize_session=False)
        )


def _own(run_id: UUID, owner: UUID) -> ColumnElement[bool]:
    return and_(col(Run.id) == run_id, col(Run.owner) == owner)
