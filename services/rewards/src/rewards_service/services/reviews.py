"""Deciding on proofs: the queue, holding a task, approving and rejecting."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rewards_service.errors import (
    AlreadyDecided,
    AlreadyPosted,
    LeasedByAnother,
    NothingToReview,
    OwnTask,
    ProofSuperseded,
    TaskNotFound,
)
from rewards_service.models import Task
from rewards_service.repositories.ledger import ISSUED, Event, LedgerRepository
from rewards_service.repositories.proofs import ProofRepository, Waiting
from rewards_service.repositories.tasks import TaskRepository
from rewards_service.schemas import (
    DecisionIn,
    DecisionOut,
    Hints,
    Holder,
    LeaseOut,
    ProofOut,
    Record,
    ReviewItem,
    TaskOut,
)
from rewards_service.services.idempotency import Answer, Call, Once
from servicekit.db import Database
from servicekit.logs import get_logger
from servicekit.pagination import Cursors
from servicekit.schemas import Page

TASK_APPROVE = "task.approve"

log = get_logger(__name__)


class ReviewService:
    """The reviewers' side of tasks."""

    def __init__(self, database: Database, cursors: Cursors) -> None:
        self._database = database
        self._once = Once(database)
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
                _expect_review(await tasks.locked(task_id), reviewer_id)
                raise LeasedByAnother
        return LeaseOut(task_id=task_id, expires_at=held.leased_until)

    async def decide(self, call: Call, task_id: UUID, decision: DecisionIn) -> Answer:
        """Approve or reject. State, credit, balance and the kept answer change together, or nothing does.

        Raises:
            TaskNotFound, OwnTask, NothingToReview, AlreadyDecided, ProofSuperseded, LeasedByAnother: see there.
        """

        async def effect(session: AsyncSession) -> Answer:
            return Answer.of(200, await _decide(session, call.user_id, task_id, decision))

        answer = await self._once.run(call, effect)
        log.info("task.decided", task_id=str(task_id), decision=decision.decision, replayed=answer.replayed)
        return answer


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


def _expect_review(task: Task | None, reviewer_id: UUID) -> Task:
    if task is None:
        raise TaskNotFound
    if task.user_id == reviewer_id:
        raise OwnTask
    if task.status in {"started", "cancelled", "expired"}:
        raise NothingToReview(f"The task is {task.status}.")
    if task.status != "submitted":
        raise AlreadyDecided(f"The task is {task.status}.")
    return task


async def _decide(session: AsyncSession, reviewer_id: UUID, task_id: UUID, decision: DecisionIn) -> DecisionOut:
    tasks = TaskRepository(session)
    task = _expect_review(await tasks.locked(task_id), reviewer_id)
    if decision.proof_id not in {None, task.proof_id}:
        raise ProofSuperseded
    if task.leased_by not in {None, reviewer_id} and task.leased_until and task.leased_until > await tasks.now():
        raise LeasedByAnother
    assert task.proof_id is not None  # noqa: S101 - a CHECK: a submitted task has a proof
    await ProofRepository(session).decide(
        task.proof_id, reviewer_id, decision.decision, decision.reason_code, decision.note
    )
    if decision.reason_code is not None:
        rejected = await tasks.reject(task, decision.reason_code, decision.note)
        return DecisionOut(task=TaskOut.model_validate(rejected))
    approved = await tasks.approve(task)
    transaction_id = await _credit(LedgerRepository(session), approved, reviewer_id)
    return DecisionOut(task=TaskOut.model_validate(approved), transaction_id=transaction_id)


async def _credit(ledger: LedgerRepository, task: Task, reviewer_id: UUID) -> UUID:
    event = Event(TASK_APPROVE, str(task.id), description=task.app_name, created_by=reviewer_id, task_id=task.id)
    issued, earner = await ledger.system_account(ISSUED), await ledger.account_of_user(task.user_id)
    transaction_id = await ledger.post(event, {issued: -task.points, earner: task.points})
    if transaction_id is None:
        raise AlreadyPosted
    return transaction_id
