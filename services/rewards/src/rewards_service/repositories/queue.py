"""The queue of what waits for a decision, by age or by risk, and where a task stands in it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, FromClause, Select, case, distinct, func, literal, or_, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from rewards_service.models import Base, Proof, Task

_TASKS, _PROOFS = Base.metadata.tables["task"], Base.metadata.tables["proof"]
_task, _proof = _TASKS.c, _PROOFS.c

# What a task's risk is the sum of. Strong signs weigh more than all that may be chance together.
WEIGHTS = {
    "copied": 50,  # the same file or pixels came from somebody else
    "repeated": 30,  # ... or from the same person, for another task or attempt
    "reversed_before": 20,  # an approval of theirs was taken back
    "rejected_before": 20,  # times the share of rejects among their decided proofs, rounded down
    "new_account": 10,
}
NEW_ACCOUNT = timedelta(days=1)

_STANDING = text("""
    SELECT (SELECT count(*) FROM task WHERE status = 'submitted' AND (submitted_at, id) <= (:submitted_at, :id)),
        (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM decided_at - created_at))
            FROM (SELECT decided_at, created_at FROM proof
                WHERE decided_at IS NOT NULL ORDER BY decided_at DESC LIMIT 200) AS latest)
""")

_LENGTH = text("""
    SELECT count(*), coalesce(extract(epoch FROM now() - min(submitted_at)), 0) FROM task WHERE status = 'submitted'
""")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A proof that waits for a decision, and what is known about the person who sent it."""

    task: Task
    proof: Proof
    account_created_at: datetime | None  # None when the person's id does not tell
    approved: int  # of this person's proofs, ever
    rejected: int
    reversed: int  # of the approved ones
    signals: dict[str, int]  # points by signal, zeros too

    @property
    def risk(self) -> int:
        """The sum of the signals."""
        return sum(self.signals.values())


class QueueRepository:
    """The queue, in one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def by_age(self, reviewer_id: UUID, after: tuple[datetime, UUID] | None, limit: int) -> list[Waiting]:
        """What waits, the longest wait first, without the reviewer's own."""
        page = _waiting(reviewer_id).order_by(_task.submitted_at, _task.id).limit(limit)
        if after is not None:
            page = page.where(tuple_(_task.submitted_at, _task.id) > after)
        signals = _signals(page.cte("waiting"))
        return await self._fetch(_details(signals).order_by(_task.submitted_at, _task.id))

    async def by_risk(self, reviewer_id: UUID, after: tuple[int, datetime, UUID] | None, limit: int) -> list[Waiting]:
        """What waits, the highest risk first, of the same the longest wait; without the reviewer's own.

        The risk is that of this moment: it changes when a decision or another upload changes what it is made of.
        """
        signals = _signals(_waiting(reviewer_id).cte("waiting"))
        order = (-signals.c.risk, signals.c.submitted_at, signals.c.id)
        page = select(signals).order_by(*order).limit(limit)
        if after is not None:
            page = page.where(tuple_(*order) > (-after[0], after[1], after[2]))
        chosen = page.cte("chosen")
        return await self._fetch(_details(chosen).order_by(-chosen.c.risk, _task.submitted_at, _task.id))

    async def length(self) -> tuple[int, float]:
        """How many tasks wait for a decision, and for how many seconds the oldest does; (0, 0) when none does."""
        waiting, oldest = (await self._session.execute(_LENGTH)).one()
        return waiting, float(oldest)

    async def standing(self, task: Task) -> tuple[int, int | None]:
        """The place of a submitted task in the queue, the first being 1, and the median wait of late, in seconds."""
        values = {"submitted_at": task.submitted_at, "id": task.id}
        position, median = (await self._session.execute(_STANDING, values)).one()
        return position, None if median is None else round(median)

    async def _fetch(self, statement: Select[Any]) -> list[Waiting]:
        return [
            Waiting(
                task=row.Task,
                proof=row.Proof,
                account_created_at=row.account_created_at,
                approved=row.approved,
                rejected=row.rejected,
                reversed=row.reversed,
                signals={name: row._mapping[name] for name in WEIGHTS},  # noqa: SLF001 - SQLAlchemy's public name
            )
            for row in await self._session.execute(statement)
        ]


def _waiting(reviewer_id: UUID) -> Select[Any]:
    columns = (_task.id, _task.user_id, _task.submitted_at, _task.proof_id, _proof.file_sha256, _proof.pixels_sha256)
    return (
        select(*columns)
        .join_from(_TASKS, _PROOFS, _proof.id == _task.proof_id)
        .where(_task.status == "submitted", _task.user_id != reviewer_id)
    )


def _details(chosen: CTE) -> Select[Any]:
    columns = [chosen.c[name] for name in ("account_created_at", "approved", "rejected", "reversed", *WEIGHTS)]
    return (
        select(Task, Proof, *columns)
        .join_from(chosen, Task, _task.id == chosen.c.id)
        .join(Proof, _proof.id == chosen.c.proof_id)
    )


def _signals(waiting: CTE) -> CTE:
    """Each waiting task with its person's record, its signals in points, and their sum."""
    record = _record(waiting.c.user_id)
    decided = record.c.approved + record.c.rejected
    opened = func.uuid_extract_timestamp(waiting.c.user_id)  # auth makes ids of version 7, which carry their time
    signals: dict[str, ColumnElement[int]] = {
        "copied": _if(_sent_before(waiting, by_another=True), WEIGHTS["copied"]),
        "repeated": _if(_sent_before(waiting, by_another=False), WEIGHTS["repeated"]),
        "reversed_before": _if(record.c.reversed > 0, WEIGHTS["reversed_before"]),
        "rejected_before": func.coalesce(WEIGHTS["rejected_before"] * record.c.rejected // func.nullif(decided, 0), 0),
        "new_account": _if(opened > func.now() - NEW_ACCOUNT, WEIGHTS["new_account"]),
    }
    risk = sum(signals.values(), start=literal(0))
    return (
        select(
            waiting.c.id,
            waiting.c.submitted_at,
            waiting.c.proof_id,
            opened.label("account_created_at"),
            record.c.approved,
            record.c.rejected,
            record.c.reversed,
            *(points.label(name) for name, points in signals.items()),
            risk.label("risk"),
        )
        .join_from(waiting, record, literal(value=True))
        .cte("signals")
    )


def _if(condition: ColumnElement[bool], points: int) -> ColumnElement[int]:
    return case((condition, points), else_=0)


def _sent_before(waiting: CTE, *, by_another: bool) -> ColumnElement[bool]:
    proofs, tasks = _PROOFS.alias(), _TASKS.alias()
    owner = tasks.c.user_id != waiting.c.user_id if by_another else tasks.c.user_id == waiting.c.user_id
    return or_(
        *(
            select(literal(1))
            .join_from(proofs, tasks, tasks.c.id == proofs.c.task_id)
            .where(proofs.c[column] == waiting.c[column], proofs.c.id != waiting.c.proof_id, owner)
            .exists()
            for column in ("pixels_sha256", "file_sha256")
        )
    )


def _record(user_id: ColumnElement[UUID]) -> FromClause:
    proofs, tasks = _PROOFS.alias(), _TASKS.alias()
    reversed_tasks = func.count(distinct(tasks.c.id)).filter(tasks.c.status == "reversed")
    return (
        select(
            func.count().filter(proofs.c.decision == "approve").label("approved"),
            func.count().filter(proofs.c.decision == "reject").label("rejected"),
            reversed_tasks.label("reversed"),
        )
        .join_from(tasks, proofs, proofs.c.task_id == tasks.c.id)
        .where(tasks.c.user_id == user_id)
        .lateral("record")
    )
