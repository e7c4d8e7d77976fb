"""What waits for a decision: the queue, and holding a task."""

from datetime import datetime
from uuid import UUID

from rewards_service.errors import (
    AlreadyDecided,
    LeasedByAnother,
    NothingToReview,
    OwnTask,
    TaskNotFound,
)
from rewards_service.models import Task
from rewards_service.repositories.proofs import ProofRepository, Waiting
from rewards_service.repositories.tasks import TaskRepository
from rewards_service.schemas import (
    Hints,
    Holder,
    LeaseOut,
    ProofOut,
    Record,
    ReviewItem,
    TaskOut,
)
from servicekit.db import Database
from servicekit.pagination import Cursors
from servicekit.schemas import Page


class ReviewService:
    """The reviewers' side of tasks."""

    def __init__(self, database: Database, cursors: Cursors) -> None:
        self._database = database
        self._cursors = cursors

    async def queue(self, reviewer_id: UUID, cursor: str | None, limit: int) -> Page[ReviewItem]:
        """What waits for a decision, the longest wait first. Nobody sees their own."""
        scope = f"reviews age {reviewer_id}"
        after = None
        if cursor:
            submitted_at, task_id = self._cursors.decode(scope, cursor)
            after = (datetime.fromisoformat(submitted_at), UUID(task_id))
        async with self._database.transaction() as session:
            found = await ProofRepository(session).queue(reviewer_id, after, limit + 1)
            now = await TaskRepository(session).now()
        next_cursor = None
        if len(found) > limit:
            last = found[limit - 1].task
            next_cursor = self._cursors.encode(scope, [str(last.submitted_at), str(last.id)])
        return Page(items=[_item(waiting, now) for waiting in found[:limit]], next_cursor=next_cursor)

    async def lease(self, reviewer_id: UUID, task_id: UUID) -> LeaseOut:
        """Hold a task for ten minutes, or for ten more.

        Raises:
            TaskNotFound, OwnTask, NothingToReview, AlreadyDecided, LeasedByAnother: see there.
        """
        async with self._database.transaction() as session:
            tasks = TaskRepository(session)
            held = await tasks.lease(reviewer_id, task_id)
            if held is None or held.leased_until is None:
                expect_review(await tasks.locked(task_id), reviewer_id)
                raise LeasedByAnother
        return LeaseOut(task_id=task_id, expires_at=held.leased_until)


def _item(waiting: Waiting, now: datetime) -> ReviewItem:
    task, lease = waiting.task, None
    if task.leased_by is not None and task.leased_until is not None and task.leased_until > now:
        lease = Holder(reviewer_id=task.leased_by, expires_at=task.leased_until)
    return ReviewItem(
        task=TaskOut.model_validate(task),
        proof=ProofOut.model_validate(waiting.proof),
        record=Record(approved=waiting.approved, rejected=waiting.rejected),
        hints=Hints(same_file=waiting.same_file, same_pixels=waiting.same_pixels),
        lease=lease,
    )


def expect_review(task: Task | None, reviewer_id: UUID) -> Task:
    """The task, if it waits for a decision by this reviewer. Raises what `ReviewService.lease` raises for the task."""
    if task is None:
        raise TaskNotFound
    if task.user_id == reviewer_id:
        raise OwnTask
    if task.status in {"started", "cancelled", "expired"}:
        raise NothingToReview(f"The task is {task.status}.")
    if task.status != "submitted":
        raise AlreadyDecided(f"The task is {task.status}.")
    return task
