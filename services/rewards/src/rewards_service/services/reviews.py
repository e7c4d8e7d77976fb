"""Holding a task that waits for a decision, so that no two reviewers work on it."""

from uuid import UUID

from rewards_service.errors import (
    AlreadyDecided,
    LeasedByAnother,
    NothingToReview,
    OwnTask,
    TaskNotFound,
)
from rewards_service.models import Task
from rewards_service.repositories.tasks import TaskRepository
from rewards_service.schemas.reviews import LeaseOut
from servicekit.db import Database


class ReviewService:
    """The reviewers' side of tasks."""

    def __init__(self, database: Database) -> None:
        self._database = database

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

    async def release(self, reviewer_id: UUID, task_id: UUID) -> None:
        """Hold the task no longer. Harmless when nobody does.

        Raises:
            TaskNotFound, LeasedByAnother: see there.
        """
        async with self._database.transaction() as session:
            tasks = TaskRepository(session)
            if await tasks.release(reviewer_id, task_id):
                return
            task = await tasks.locked(task_id)
            if task is None:
                raise TaskNotFound
            if task.leased_until is not None and task.leased_until > await tasks.now():
                raise LeasedByAnother


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
