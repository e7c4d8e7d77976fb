"""The reviewers' queue: what waits, in which order, with what helps to decide; and how the reviewers fare."""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from rewards_service.repositories.hints import HintRepository, Likeness
from rewards_service.repositories.queue import QueueRepository, Waiting
from rewards_service.repositories.statistics import StatisticsRepository
from rewards_service.repositories.tasks import TaskRepository
from rewards_service.schemas.reviews import (
    Hints,
    Holder,
    Match,
    Record,
    ReviewerStatistics,
    ReviewItem,
    ReviewStatistics,
    Risk,
    Signal,
    StatisticsPeriod,
)
from rewards_service.schemas.tasks import ProofOut, TaskOut
from servicekit.db import Database
from servicekit.pagination import Cursors
from servicekit.schemas import Page

Order = Literal["age", "risk"]
_SPANS = {"day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=30), "all": None}


class ReviewQueue:
    """What reviewers read."""

    def __init__(self, database: Database, cursors: Cursors) -> None:
        self._database = database
        self._cursors = cursors

    async def page(self, reviewer_id: UUID, order: Order, cursor: str | None, limit: int) -> Page[ReviewItem]:
        """What waits for a decision. Nobody sees their own.

        Raises InvalidCursor.
        """
        scope = f"reviews {order} {reviewer_id}"
        position = self._cursors.decode(scope, cursor) if cursor else None
        async with self._database.transaction() as session:
            found = await _read(QueueRepository(session), reviewer_id, order, position, limit + 1)
            shown = found[:limit]
            likeness = await HintRepository(session).likeness([waiting.proof.id for waiting in shown])
            now = await TaskRepository(session).now()
        next_cursor = None
        if len(found) > limit:
            last = shown[-1]
            place = [str(last.task.submitted_at), str(last.task.id)]
            next_cursor = self._cursors.encode(scope, place if order == "age" else [last.risk, *place])
        return Page(
            items=[_item(waiting, likeness[waiting.proof.id], now) for waiting in shown], next_cursor=next_cursor
        )

    async def statistics(self, period: StatisticsPeriod) -> ReviewStatistics:
        """What was decided in the period, by everybody and by each reviewer."""
        async with self._database.transaction() as session:
            total, reviewers = await StatisticsRepository(session).decisions(_SPANS[period])
        return ReviewStatistics(
            period=period,
            total=total,
            reviewers=[ReviewerStatistics.model_validate(reviewer) for reviewer in reviewers],
        )


async def _read(
    queue: QueueRepository, reviewer_id: UUID, order: Order, position: list[str] | None, limit: int
) -> list[Waiting]:
    if position is None:
        return await (queue.by_age if order == "age" else queue.by_risk)(reviewer_id, None, limit)
    submitted_at, task_id = datetime.fromisoformat(position[-2]), UUID(position[-1])
    if order == "age":
        return await queue.by_age(reviewer_id, (submitted_at, task_id), limit)
    return await queue.by_risk(reviewer_id, (int(position[0]), submitted_at, task_id), limit)


def _item(waiting: Waiting, likeness: Likeness, now: datetime) -> ReviewItem:
    task, lease = waiting.task, None
    if task.leased_by is not None and task.leased_until is not None and task.leased_until > now:
        lease = Holder(reviewer_id=task.leased_by, expires_at=task.leased_until)
    return ReviewItem(
        task=TaskOut.model_validate(task),
        proof=ProofOut.model_validate(waiting.proof),
        account_created_at=waiting.account_created_at,
        record=Record(approved=waiting.approved, rejected=waiting.rejected, reversed=waiting.reversed),
        hints=Hints(
            same_file=likeness.same_file,
            same_pixels=likeness.same_pixels,
            matches=[Match.model_validate(match) for match in likeness.matches],
        ),
        risk=Risk(
            score=waiting.risk,
            signals=[Signal(code=code, points=points) for code, points in waiting.signals.items() if points],
        ),
        lease=lease,
    )
