"""Proofs."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from rewards_service.models import Base, Proof, Task

_TASKS, _PROOFS = Base.metadata.tables["task"], Base.metadata.tables["proof"]
_task, _proof = _TASKS.c, _PROOFS.c


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
