"""Tasks. Every change of state is one conditional statement, or happens under the row's lock."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Interval, Text, Uuid, and_, bindparam, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from rewards_service.models import MAX_ATTEMPTS, OVER, Base, Task

LIFETIME = timedelta(days=7)
LEASE = timedelta(minutes=10)
_task = Base.metadata.tables["task"].c

# A started task past its time is expired, whether or not a statement has come by to say so.
_OVERDUE = and_(_task.status == "started", _task.expires_at <= func.now())
_PERSONS_TURN = and_(
    or_(_task.status == "started", and_(_task.status == "rejected", _task.attempts < MAX_ATTEMPTS)),
    _task.expires_at > func.now(),
)
_HOLDS_A_PLACE = or_(_task.status.in_(["submitted", "approved"]), _PERSONS_TURN)

# Text, and not built anew each time: every decision sends these two.
_LOCKED = select(Task).from_statement(
    text("SELECT * FROM task WHERE id = :task_id FOR UPDATE").bindparams(bindparam("task_id", type_=Uuid))
)
_DECIDE = select(Task).from_statement(
    text("""
        WITH decided AS (
            UPDATE proof SET decision = :decision, reason_code = :reason_code, note = :note,
                decided_by = :reviewer_id, decided_at = now()
            WHERE id = :proof_id
        )
        UPDATE task SET status = :status, decided_at = now(), leased_by = NULL, leased_until = NULL,
            rejection_code = coalesce(:reason_code, rejection_code),
            rejection_note = CASE WHEN :status = 'rejected' THEN :note ELSE rejection_note END,
            expires_at = CASE WHEN :status = 'rejected' THEN greatest(expires_at, now() + :lifetime) ELSE expires_at END
        WHERE id = :task_id RETURNING *
    """).bindparams(
        bindparam("task_id", type_=Uuid),
        bindparam("proof_id", type_=Uuid),
        bindparam("reviewer_id", type_=Uuid),
        bindparam("lifetime", type_=Interval),
        bindparam("status", type_=Text),
        bindparam("reason_code", type_=Text),
        bindparam("note", type_=Text),
    )
)


class Wanted(NamedTuple):
    """Which of somebody's tasks to list: of one state, of some apps; what is not given leaves nothing out."""

    status: str | None = None
    app_ids: frozenset[UUID] = frozenset()


class TaskRepository:
    """The tasks, in one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def expire_overdue(self, user_id: UUID) -> None:
        """Write down which of this person's tasks have run out of time. Comes before whatever looks at their states."""
        await self._session.execute(
            update(Task).where(_task.user_id == user_id, _OVERDUE).values(status="expired"),
            execution_options={"synchronize_session": False},
        )

    async def expire_all_overdue(self, limit: int) -> int:
        """Write down which tasks of whomever have run out of time. Returns how many, ``limit`` at most.

        None while another transaction does so: two that go through many people could block each other.
        """
        only_one = select(func.pg_try_advisory_xact_lock(func.hashtextextended("expire tasks", 0)))
        if not await self._session.scalar(only_one):
            return 0
        overdue = select(_task.id).where(_OVERDUE).order_by(_task.expires_at).limit(limit)
        expired = update(Task).where(_task.id.in_(overdue.with_for_update(skip_locked=True))).values(status="expired")
        return len((await self._session.scalars(expired.returning(_task.id))).all())

    async def end_leases(self) -> int:
        """Forget who held tasks until a time that is over. Returns how many."""
        over = update(Task).where(_task.leased_until <= func.now()).values(leased_by=None, leased_until=None)
        return len((await self._session.scalars(over.returning(_task.id))).all())

    async def lock_app(self, app_id: UUID) -> None:
        """Let nobody else count the app's places until the transaction ends."""
        await self._session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"app {app_id}", 0))))

    async def places_taken(self, app_id: UUID) -> int:
        """How many tasks of the app are done or may still be."""
        return await self._session.scalar(select(func.count()).where(_task.app_id == app_id, _HOLDS_A_PLACE)) or 0

    async def places_taken_today(self, app_id: UUID) -> int:
        """How many of those were started on this day (UTC)."""
        today = _task.created_at >= func.date_trunc("day", func.now(), "UTC")
        counted = select(func.count()).where(_task.app_id == app_id, _HOLDS_A_PLACE, today)
        return await self._session.scalar(counted) or 0

    async def add(self, **values: Any) -> Task | None:
        """A new started task; None when the person has one for this app that is not over."""
        statement = insert(Task).values(expires_at=func.now() + LIFETIME, **values)
        statement = statement.on_conflict_do_nothing(
            index_elements=["user_id", "app_id"], index_where=text(f"NOT ({OVER})")
        )
        return (await self._session.scalars(statement.returning(Task))).one_or_none()

    async def of_user(self, user_id: UUID, task_id: UUID) -> Task | None:
        """This person's task."""
        return (
            await self._session.scalars(select(Task).where(_task.id == task_id, _task.user_id == user_id))
        ).one_or_none()

    async def list_of_user(self, user_id: UUID, wanted: Wanted, before: UUID | None, limit: int) -> list[Task]:
        """This person's tasks, newest first."""
        statement = select(Task).where(_task.user_id == user_id).order_by(_task.id.desc()).limit(limit)
        if wanted.status is not None:
            statement = statement.where(_task.status == wanted.status)
        if wanted.app_ids:
            statement = statement.where(_task.app_id.in_(wanted.app_ids))
        if before is not None:
            statement = statement.where(_task.id < before)
        return list(await self._session.scalars(statement))

    async def locked(self, task_id: UUID) -> Task | None:
        """The task, its row locked until the transaction ends."""
        task: Task | None = (await self._session.scalars(_LOCKED, {"task_id": task_id})).one_or_none()
        return task

    async def cancel(self, user_id: UUID, task_id: UUID) -> Task | None:
        """Cancel this person's task; None unless it is started."""
        return await self._change(
            and_(_task.id == task_id, _task.user_id == user_id, _task.status == "started"), status="cancelled"
        )

    async def lease(self, reviewer_id: UUID, task_id: UUID) -> Task | None:
        """Hold a submitted task of somebody else for this reviewer; None when it isn't that, or is held by another."""
        free = or_(_task.leased_by.is_(None), _task.leased_by == reviewer_id, _task.leased_until <= func.now())
        return await self._change(
            and_(_task.id == task_id, _task.status == "submitted", _task.user_id != reviewer_id, free),
            leased_by=reviewer_id,
            leased_until=func.now() + LEASE,
        )

    async def release(self, reviewer_id: UUID, task_id: UUID) -> bool:
        """Whether this reviewer held the task; not any more."""
        held = and_(_task.id == task_id, _task.leased_by == reviewer_id)
        return await self._change(held, leased_by=None, leased_until=None) is not None

    async def submit(self, task: Task, proof_id: UUID) -> Task:
        """The locked task with a new proof, waiting for a decision."""
        return await self._change_locked(
            task, status="submitted", attempts=task.attempts + 1, proof_id=proof_id, submitted_at=func.now()
        )

    async def decide(
        self, task: Task, reviewer_id: UUID, *, approve: bool, reason_code: str | None, note: str | None
    ) -> Task:
        """The locked task and its newest proof, approved or rejected.

        A rejected task gets as much time for another proof as a new one has. The database refuses an approved one
        unless its credit is booked in the same transaction.
        """
        values = {
            "task_id": task.id,
            "proof_id": task.proof_id,
            "status": "approved" if approve else "rejected",
            "decision": "approve" if approve else "reject",
            "reason_code": reason_code,
            "note": note,
            "reviewer_id": reviewer_id,
            "lifetime": LIFETIME,
        }
        found = await self._session.scalars(_DECIDE, values, execution_options={"populate_existing": True})
        decided: Task = found.one()
        return decided

    async def reverse(self, task_id: UUID) -> Task | None:
        """An approved task, reversed. The database refuses it unless its credit is reversed in the same transaction."""
        return await self._change(and_(_task.id == task_id, _task.status == "approved"), status="reversed")

    async def _change_locked(self, task: Task, **values: Any) -> Task:
        changed = await self._change(_task.id == task.id, **values)
        assert changed is not None  # noqa: S101 - its row is locked
        return changed

    async def _change(self, condition: ColumnElement[bool], **values: Any) -> Task | None:
        statement = update(Task).where(condition).values(**values).returning(Task)
        return (await self._session.scalars(statement, execution_options={"populate_existing": True})).one_or_none()

    async def counts(self, user_id: UUID) -> dict[str, int]:
        """How many of this person's tasks are ``active``, ``pending`` and ``completed``, and the ``points`` pending."""
        mine = func.count()
        pending = _task.status == "submitted"
        row = await self._session.execute(
            select(
                mine.filter(_PERSONS_TURN).label("active"),
                mine.filter(pending).label("pending"),
                mine.filter(_task.status == "approved").label("completed"),
                func.coalesce(func.sum(_task.points).filter(pending), 0).label("points"),
            ).where(_task.user_id == user_id)
        )
        return {name: int(value) for name, value in row.one()._mapping.items()}  # noqa: SLF001 - SQLAlchemy's public name

    async def now(self) -> datetime:
        """The time of this transaction, by the database's clock."""
        return (await self._session.scalars(select(func.now()))).one()
