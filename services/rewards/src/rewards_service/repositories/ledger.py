"""The ledger: posting to it and reading it. The rules are kept by the database (see the second migration)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from rewards_service.models import Account, Base, Entry, Transaction

_account = Base.metadata.tables["account"].c
_transaction = Base.metadata.tables["transaction"].c
_entry = Base.metadata.tables["entry"].c
ISSUED = "points.issued"  # the system's account that all points come from
ADJUSTED = "points.adjusted"  # the one that corrections by hand come from, and go to

# An earning is a credit; a reversal that debits takes one back. Spending, and its reversal, are neither.
EARNED = or_(
    (_entry.amount > 0) & _transaction.reverses_id.is_(None),
    (_entry.amount < 0) & _transaction.reverses_id.is_not(None),
)

_VERIFY = text("""
    SELECT (SELECT count(*) FROM transaction) AS transactions,
        (SELECT count(*) FROM entry) AS entries,
        (SELECT coalesce(sum(amount), 0) FROM entry) AS sum,
        (SELECT count(*) FROM account
            LEFT JOIN (SELECT account_id, sum(amount) AS total FROM entry GROUP BY account_id) AS booked
                ON booked.account_id = account.id
            WHERE user_id IS NOT NULL AND balance <> coalesce(total, 0)) AS mismatched_balances,
        (SELECT count(*) FROM transaction
            LEFT JOIN (SELECT transaction_id, count(*) AS entries, sum(amount) AS total
                FROM entry GROUP BY transaction_id) AS booked ON booked.transaction_id = transaction.id
            WHERE entries IS DISTINCT FROM size OR total <> 0) AS unbalanced_transactions,
        (SELECT count(*) FROM task WHERE status IN ('approved', 'reversed') AND NOT EXISTS
            (SELECT FROM transaction WHERE kind = 'task.approve' AND reference = task.id::text))
            AS approved_without_credit,
        (SELECT count(*) FROM transaction WHERE kind = 'task.approve' AND NOT EXISTS
            (SELECT FROM task WHERE task.id = task_id AND status IN ('approved', 'reversed')))
            AS credits_without_approval,
        (SELECT count(*) FROM task WHERE (status = 'reversed') <> EXISTS
            (SELECT FROM transaction AS credit JOIN transaction AS reversal ON reversal.reverses_id = credit.id
                WHERE credit.kind = 'task.approve' AND credit.reference = task.id::text))
            AS mismatched_reversals
""")


class BelowZero(Exception):
    """The database refused entries: somebody's balance would fall below 0, and this is no reversal (L5)."""


@dataclass(frozen=True, slots=True)
class Event:
    """A business event: what happened (``kind``), to what (``reference``), and who did it."""

    kind: str
    reference: str
    description: str
    created_by: UUID
    task_id: UUID | None = None
    reverses_id: UUID | None = None


class LedgerRepository:
    """The ledger, in one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def account_of_user(self, user_id: UUID) -> UUID:
        """This person's account, opened when it is the first time."""
        return await self._open(_account.user_id == user_id, user_id=user_id, balance=0)

    async def system_account(self, name: str) -> UUID:
        """The system's account of this name, opened when it is the first time."""
        return await self._open(_account.name == name, name=name)

    async def _open(self, condition: ColumnElement[bool], **values: Any) -> UUID:
        wanted = select(_account.id).where(condition)
        found: UUID | None = await self._session.scalar(wanted)
        if found is None:
            await self._session.execute(insert(Account).values(**values).on_conflict_do_nothing())
            # Another transaction may have opened it meanwhile: then the insert has waited for it, and it is there now.
            found = (await self._session.scalars(wanted)).one()
        return found

    async def post(self, event: Event, amounts: dict[UUID, int]) -> UUID | None:
        """Book ``amounts`` (points by account) and return the transaction; None when the event was booked before.

        Raises BelowZero.
        """
        statement = insert(Transaction).values(
            kind=event.kind,
            reference=event.reference,
            description=event.description,
            created_by=event.created_by,
            task_id=event.task_id,
            reverses_id=event.reverses_id,
            size=len(amounts),
        )
        statement = statement.on_conflict_do_nothing(index_elements=["kind", "reference"])
        transaction_id: UUID | None = await self._session.scalar(statement.returning(_transaction.id))
        if transaction_id is None:
            return None
        # One order for all, or two transactions could block each other.
        for account_id, amount in sorted(amounts.items()):
            entry = insert(Entry).values(transaction_id=transaction_id, account_id=account_id, amount=amount)
            try:
                await self._session.execute(entry)
            except IntegrityError as error:
                if _refused_by(error) == "below_zero_by_reversal_only":
                    raise BelowZero from error
                raise
        return transaction_id

    async def transaction(self, transaction_id: UUID) -> Transaction | None:
        """One transaction."""
        return await self._session.get(Transaction, transaction_id)

    async def transactions(
        self, user_id: UUID | None, before: tuple[datetime, UUID] | None, limit: int
    ) -> list[Transaction]:
        """Transactions, newest first; of one person only if asked."""
        statement = select(Transaction).order_by(_transaction.created_at.desc(), _transaction.id.desc()).limit(limit)
        if user_id is not None:
            theirs = select(_entry.transaction_id).join(Account, _account.id == _entry.account_id)
            statement = statement.where(_transaction.id.in_(theirs.where(_account.user_id == user_id)))
        if before is not None:
            statement = statement.where(tuple_(_transaction.created_at, _transaction.id) < before)
        return list(await self._session.scalars(statement))

    async def bookings(self, transaction_ids: Iterable[UUID]) -> dict[UUID, list[tuple[Entry, Account]]]:
        """The entries of these transactions with their accounts."""
        statement = (
            select(Entry, Account)
            .join(Account, _account.id == _entry.account_id)
            .where(_entry.transaction_id.in_(list(transaction_ids)))
            .order_by(_entry.id)
        )
        found: dict[UUID, list[tuple[Entry, Account]]] = {}
        for entry, account in await self._session.execute(statement):
            found.setdefault(entry.transaction_id, []).append((entry, account))
        return found

    async def reversals(self, transaction_ids: Iterable[UUID]) -> dict[UUID, UUID]:
        """Which of these transactions are reversed, and by which."""
        wanted = _transaction.reverses_id.in_(list(transaction_ids))
        rows = await self._session.execute(select(_transaction.reverses_id, _transaction.id).where(wanted))
        return {row.reverses_id: row.id for row in rows}

    async def balance(self, user_id: UUID) -> tuple[int, int]:
        """This person's balance, and what they ever earned that was not taken back."""
        statement = (
            select(func.max(_account.balance), func.coalesce(func.sum(_entry.amount).filter(EARNED), 0))
            .select_from(Account)
            .outerjoin(Entry, _entry.account_id == _account.id)
            .outerjoin(Transaction, _transaction.id == _entry.transaction_id)
            .where(_account.user_id == user_id)
        )
        balance, lifetime = (await self._session.execute(statement)).one()
        return balance or 0, int(lifetime)

    async def statement(self, user_id: UUID, before: int | None, limit: int) -> list[tuple[Entry, Transaction]]:
        """This person's entries with their transactions, newest first."""
        statement = (
            select(Entry, Transaction)
            .join(Transaction, _transaction.id == _entry.transaction_id)
            .join(Account, _account.id == _entry.account_id)
            .where(_account.user_id == user_id)
            .order_by(_entry.id.desc())
            .limit(limit)
        )
        if before is not None:
            statement = statement.where(_entry.id < before)
        return [(entry, transaction) for entry, transaction in await self._session.execute(statement)]

    async def verify(self) -> dict[str, int]:
        """Counts and sums over the whole ledger, of one moment."""
        row = (await self._session.execute(_VERIFY)).one()
        return {name: int(value) for name, value in row._mapping.items()}  # noqa: SLF001 - SQLAlchemy's public name


def _refused_by(error: IntegrityError) -> str | None:
    """The name of the rule that refused."""
    return getattr(error.orig.__cause__, "constraint_name", None) if error.orig else None
