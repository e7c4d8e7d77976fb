"""Approving and rejecting, one task or many."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rewards_service.errors import (
    AlreadyPosted,
    IdempotencyKeyInProgress,
    IdempotencyKeyReused,
    LeasedByAnother,
    ProofSuperseded,
)
from rewards_service.models import Task
from rewards_service.repositories.ledger import ISSUED, Event, LedgerRepository
from rewards_service.repositories.tasks import TaskRepository
from rewards_service.schemas.reviews import BulkDecisionIn, BulkIn, BulkOut, BulkResult, DecisionIn, DecisionOut
from rewards_service.schemas.tasks import TaskOut
from rewards_service.services.idempotency import Answer, Call, Once
from rewards_service.services.reviews import expect_review
from servicekit.db import Database
from servicekit.logs import get_logger
from servicekit.problems import DomainError

TASK_APPROVE = "task.approve"

log = get_logger(__name__)


class DecisionService:
    """Decides on proofs. State, credit, balance and the kept answer change together, or nothing does."""

    def __init__(self, database: Database) -> None:
        self._once = Once(database)

    async def decide(self, call: Call, task_id: UUID, decision: DecisionIn) -> Answer:
        """Approve or reject.

        Raises:
            TaskNotFound, OwnTask, NothingToReview, AlreadyDecided, ProofSuperseded, LeasedByAnother: see there.
        """

        async def effect(session: AsyncSession) -> Answer:
            return Answer.of(200, await _decide(session, call.user_id, task_id, decision))

        answer = await self._once.run(call, effect)
        log.info("task.decided", task_id=str(task_id), decision=decision.decision, replayed=answer.replayed)
        return answer

    async def decide_all(self, call: Call, decisions: BulkIn) -> Answer:
        """Take each decision in a transaction of its own, whatever becomes of the others.

        The answer of each is kept as soon as it is taken: after a crash in the middle, the same request again tells
        what was done before and does the rest.

        Raises:
            IdempotencyKeyInProgress, IdempotencyKeyReused: see there.
        """
        known = await self._once.known(call)
        if known is not None:
            return known
        results = [await self._one_of_all(call, number, item) for number, item in enumerate(decisions.items)]

        async def effect(_session: AsyncSession) -> Answer:
            return Answer.of(200, BulkOut(items=results))

        return await self._once.run(call, effect)

    async def _one_of_all(self, call: Call, number: int, item: BulkDecisionIn) -> BulkResult:
        # No key of a client has a blank in it.
        part = Call(call.user_id, call.route, f"{call.key} {number}", call.fingerprint)
        try:
            answer = await self.decide(part, item.task_id, item)
        except (IdempotencyKeyInProgress, IdempotencyKeyReused):
            raise
        except DomainError as error:
            return BulkResult(task_id=item.task_id, status=error.status, code=error.code, detail=error.detail)
        decided = DecisionOut.model_validate_json(answer.body)
        return BulkResult(
            task_id=item.task_id, status=answer.status, task=decided.task, transaction_id=decided.transaction_id
        )


async def _decide(session: AsyncSession, reviewer_id: UUID, task_id: UUID, decision: DecisionIn) -> DecisionOut:
    tasks = TaskRepository(session)
    task = expect_review(await tasks.locked(task_id), reviewer_id)
    if decision.proof_id not in {None, task.proof_id}:
        raise ProofSuperseded
    if task.leased_by not in {None, reviewer_id} and task.leased_until and task.leased_until > await tasks.now():
        raise LeasedByAnother
    approve = decision.decision == "approve"
    decided = await tasks.decide(
        task, reviewer_id, approve=approve, reason_code=decision.reason_code, note=decision.note
    )
    transaction_id = await _credit(LedgerRepository(session), decided, reviewer_id) if approve else None
    return DecisionOut(task=TaskOut.model_validate(decided), transaction_id=transaction_id)


async def _credit(ledger: LedgerRepository, task: Task, reviewer_id: UUID) -> UUID:
    event = Event(TASK_APPROVE, str(task.id), description=task.app_name, created_by=reviewer_id, task_id=task.id)
    issued, earner = await ledger.accounts(ISSUED, task.user_id)
    transaction_id = await ledger.post(event, {issued: -task.points, earner: task.points})
    if transaction_id is None:
        raise AlreadyPosted
    return transaction_id
