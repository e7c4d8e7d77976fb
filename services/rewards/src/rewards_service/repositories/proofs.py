"""Proofs, and the queue of those that wait for a decision."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ScalarSelect, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from rewards_service.models import Base, Proof, Task

_TASKS, _PROOFS = Base.metadata.tables["task"], Base.metadata.tables["proof"]
_task, _proof = _TASKS.c, _PROOFS.c


@dataclass(frozen=True, slots=True)
class Waiting:
    """A proof that waits for a decision, and what is known about it."""

    task: Task
    proof: Proof
    approved: int  # of this person's proofs, ever
    rejected: int
    same_file: int  # other proofs, by anyone
    same_pixels: int


class ProofRepository:
    """The proofs, in one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, **values: Any) -> Proof:
        """A new proof."""
        return (await self._session.scalars(insert(Proof).values(**values).returning(Proof))).one()

    async def with_owner(self, proof_id: UUID) -> tuple[Proof, UUID] | None:
        """The proof and whose it is."""
        statement = select(Proof, _task.user_id).join(Task, _task.id == _proof.task_id).where(_proof.id == proof_id)
        row = (await self._session.execute(statement)).one_or_none()
        return (row[0], row[1]) if row else None

    async def queue(self, reviewer_id: UUID, after: tuple[datetime, UUID] | None, limit: int) -> list[Waiting]:
        """What waits for a decision, the longest wait first, without the reviewer's own."""
        statement = (
            select(
                Task,
                Proof,
                _decided("approve"),
                _decided("reject"),
                _same("file_sha256"),
                _same("pixels_sha256"),
            )
            .join(Proof, _proof.id == _task.proof_id)
            .where(_task.status == "submitted", _task.user_id != reviewer_id)
            .order_by(_task.submitted_at, _task.id)
            .limit(limit)
        )
        if after is not None:
            statement = statement.where(tuple_(_task.submitted_at, _task.id) > after)
        return [Waiting(*row) for row in await self._session.execute(statement)]


def _decided(decision: str) -> ScalarSelect[int]:
    proofs, tasks = _PROOFS.alias(), _TASKS.alias()
    counted = select(func.count()).select_from(proofs.join(tasks, tasks.c.id == proofs.c.task_id))
    return counted.where(tasks.c.user_id == _task.user_id, proofs.c.decision == decision).scalar_subquery()


def _same(column: str) -> ScalarSelect[int]:
    others = _PROOFS.alias()
    counted = select(func.count()).select_from(others)
    return counted.where(others.c[column] == _proof[column], others.c.id != _proof.id).scalar_subquery()
