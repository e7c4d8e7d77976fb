"""The chain of seals over the ledger, and the transactions in the form that is hashed."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, LargeBinary, Uuid, func, insert, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from rewards_service.models import Base, Seal

_seal = Base.metadata.tables["seal"].c

# Everything that a line of the ledger says, and whom its accounts belong to. Times are microseconds since 1970, so that
# no setting of the session changes them.
_BOOKED = """
    jsonb_build_object(
        'id', transaction.id, 'kind', kind, 'reference', reference, 'size', size, 'description', description,
        'task_id', task_id, 'reverses_id', reverses_id, 'created_by', created_by,
        'created_at', (extract(epoch FROM transaction.created_at) * 1000000)::bigint,
        'entries', (
            SELECT jsonb_agg(jsonb_build_array(
                entry.id, coalesce(account.user_id::text, account.name), account_id, amount, balance_after
            ) ORDER BY entry.id)
            FROM entry JOIN account ON account.id = entry.account_id WHERE entry.transaction_id = transaction.id
        )
    )
"""

# A transaction gets its time when it begins and is seen when it commits. What began a day before that which was sealed
# last, and is not seen yet, never will be: the database's limits ended it long ago.
_WAITS = """
    NOT EXISTS (SELECT FROM seal WHERE seal.transaction_id = transaction.id)
        AND created_at >= coalesce((
            SELECT newest.created_at - interval '1 day'
            FROM seal JOIN transaction AS newest ON newest.id = transaction_id ORDER BY position DESC LIMIT 1
        ), '-infinity')
    ORDER BY created_at, id
"""

_UNSEALED = text(f"""
    SELECT transaction.id AS transaction_id, {_BOOKED} AS booked FROM transaction WHERE {_WAITS} LIMIT :limit
""").columns(transaction_id=Uuid, booked=JSONB)  # noqa: S608 - a constant of ours

_OLDEST_UNSEALED = text(f"""
    SELECT extract(epoch FROM now() - created_at) FROM transaction WHERE {_WAITS} LIMIT 1
""")  # noqa: S608 - as above

_SEALED = text(f"""
    SELECT position, seal.transaction_id, hash, {_BOOKED} AS booked
    FROM seal LEFT JOIN transaction ON transaction.id = seal.transaction_id
    WHERE position > :after ORDER BY position LIMIT :limit
""").columns(position=BigInteger, transaction_id=Uuid, hash=LargeBinary, booked=JSONB)  # noqa: S608 - a constant of ours


@dataclass(frozen=True, slots=True)
class Link:
    """A seal with what it was put on, as it is now; ``booked`` names no id when the transaction is gone."""

    position: int
    transaction_id: UUID
    hash: bytes
    booked: dict[str, Any]


class SealRepository:
    """The chain, in one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def try_lock(self) -> bool:
        """Be the only one to seal until the transaction ends; False, without waiting, while somebody else is."""
        return bool(await self._session.scalar(select(func.pg_try_advisory_xact_lock(func.hashtext("seal")))))

    async def last(self) -> tuple[int, bytes] | None:
        """Position and hash of the last link."""
        row = (
            await self._session.execute(select(_seal.position, _seal.hash).order_by(_seal.position.desc()).limit(1))
        ).one_or_none()
        return (row.position, row.hash) if row else None

    async def unsealed(self, limit: int) -> list[tuple[UUID, dict[str, Any]]]:
        """Transactions that have no seal yet, the oldest first."""
        rows = await self._session.execute(_UNSEALED, {"limit": limit})
        return [(row.transaction_id, row.booked) for row in rows]

    async def oldest_unsealed(self) -> float:
        """How many seconds ago the oldest transaction was booked that has no seal yet; 0 when all have one."""
        return float(await self._session.scalar(_OLDEST_UNSEALED) or 0)

    async def add(self, links: Iterable[tuple[int, UUID, bytes]]) -> None:
        """Append links: position, transaction and hash."""
        rows = [{"position": position, "transaction_id": booked, "hash": digest} for position, booked, digest in links]
        await self._session.execute(insert(Seal), rows)

    async def links(self, after: int, limit: int) -> list[Link]:
        """Links that follow a position, in order."""
        rows = await self._session.execute(_SEALED, {"after": after, "limit": limit})
        return [Link(row.position, row.transaction_id, row.hash, row.booked) for row in rows]

    async def unsealed_count(self) -> int:
        """How many transactions have no seal yet, however old they are."""
        missing = "SELECT count(*) FROM transaction WHERE id NOT IN (SELECT transaction_id FROM seal)"
        return int(await self._session.scalar(text(missing)) or 0)
