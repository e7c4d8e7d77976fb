"""The ledger: posting to it and reading it. The rules are kept by the database (see the second migration)."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Uuid, bindparam, func, or_, select, text, tuple_
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

_ACCOUNTS = (
    text("""
    SELECT (SELECT id FROM account WHERE name = :name) AS system,
        (SELECT id FROM account WHERE user_id = :user_id) AS person
""")
    .bindparams(bindparam("user_id", type_=Uuid))
    .columns(system=Uuid, person=Uuid)
)

_OPEN = text("""
    INSERT INTO account (name, user_id, balance) VALUES (:name, NULL, NULL), (NULL, :user_id, 0) ON CONFLICT DO NOTHING
""").bindparams(bindparam("user_id", type_=Uuid))

# One statement, as each approval sends it. The transaction is there before its entries, which are made from it. The
# conflict is left unnamed: with one of two unique rules named, reversals at once could meet at the other, an error.
_POST = (
    text("""
    WITH booked AS (
        INSERT INTO transaction (kind, reference, size, description, created_by, task_id, reverses_id)
        VALUES (:kind, :reference, :size, :description, :created_by, :task_id, :reverses_id)
        ON CONFLICT DO NOTHING RETURNING id
    ), entries AS (
        INSERT INTO entry (transaction_id, account_id, amount)
        SELECT booked.id, line.account_id, line.amount
        FROM booked, unnest(CAST(:accounts AS uuid[]), CAST(:points AS bigint[])) AS line (account_id, amount)
    )
    SELECT id FROM booked
""")
    .bindparams(
        bindparam("created_by", type_=Uuid), bindparam("task_id", type_=Uuid), bindparam("reverses_id", type_=Uuid)
    )
    .columns(id=Uuid)
)

# The months end with the present one, in UTC; those without entries are there too.
_MONTHS = text("""
    WITH month AS (
        SELECT generate_series(this - interval '11 months', this, interval '1 month') AS begins
        FROM (SELECT date_trunc('month', now() AT TIME ZONE 'UTC') AS this) AS present
    ), change AS (
        SELECT date_trunc('month', transaction.created_at AT TIME ZONE 'UTC') AS begins, entry.amount
        FROM account JOIN entry ON entry.account_id = account.id
        JOIN transaction ON transaction.id = entry.transaction_id
        WHERE account.user_id = :user_id
            AND transaction.created_at >= (SELECT min(begins) FROM month) AT TIME ZONE 'UTC'
    )
    SELECT to_char(month.begins, 'YYYY-MM') AS month,
        coalesce(sum(amount) FILTER (WHERE amount > 0), 0)::bigint AS added,
        coalesce(-sum(amount) FILTER (WHERE amount < 0), 0)::bigint AS taken
    FROM month LEFT JOIN change USING (begins) GROUP BY month.begins ORDER BY month.begins
""").bindparams(bindparam("user_id", type_=Uuid))

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

    async def accounts(self, name: str, user_id: UUID) -> tuple[UUID, UUID]:
        """The system's account of this name and this person's, opened when it is the first time."""
        row = (await self._session.execute(_ACCOUNTS, {"name": name, "user_id": user_id})).one()
        if row.system is None or row.person is None:
            # Another transaction may open them meanwhile: then this waits for it, and they are there after it.
            await self._session.execute(_OPEN, {"name": name, "user_id": user_id})
            row = (await self._session.execute(_ACCOUNTS, {"name": name, "user_id": user_id})).one()
        return row.system, row.person

    async def post(self, event: Event, amounts: dict[UUID, int]) -> UUID | None:
        """Book ``amounts`` (points by account) and return the transaction; None when the event was booked before.

        Raises BelowZero.
        """
        # One order for all, or two transactions could block each other.
        accounts, points = zip(*sorted(amounts.items()), strict=True)
        values = {**asdict(event), "size": len(amounts), "accounts": accounts, "points": points}
        try:
            booked: UUID | None = await self._session.scalar(_POST, values)
        except IntegrityError as error:
            if _refused_by(error) == "below_zero_by_reversal_only":
                raise BelowZero from error
            raise
        return booked

    async def transaction(self, transaction_id: UUID) -> Transaction | None:
        """One transaction."""
        return await self._session.get(Transaction, transaction_id)

    async def transactions(
        self, user_id: UUID | None, before: tuple[datetime, UUID] | None, limit: int
    ) -> list[Transaction]:
        """Transactions, newest first; of one person only if asked."""
        statement = select(Transaction).order_by(_transaction.created_at.desc(), _transaction.id.desc()).limit(limit)
        if user_id is not None:
            theirs = select(_entry.transaction_id).join(Account)
            statement = statement.where(_transaction.id.in_(theirs.where(_account.user_id == user_id)))
        if before is not None:
            statement = statement.where(tuple_(_transaction.created_at, _transaction.id) < before)
        return list(await self._session.scalars(statement))

    async def bookings(self, transaction_ids: Iterable[UUID]) -> dict[UUID, list[tuple[Entry, Account]]]:
        """The entries of these transactions with their accounts."""
        statement = (
            select(Entry, Account)
            .join(Account)
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
            .outerjoin(Entry)
            .outerjoin(Transaction)
            .where(_account.user_id == user_id)
        )
        balance, lifetime = (await self._session.execute(statement)).one()
        return balance or 0, int(lifetime)

    async def statement(self, user_id: UUID, before: int | None, limit: int) -> list[tuple[Entry, Transaction]]:
        """This person's entries with their transactions, newest first."""
        statement = (
            select(Entry, Transaction)
            .join(Transaction)
            .join(Account)
            .where(_account.user_id == user_id)
            .order_by(_entry.id.desc())
            .limit(limit)
        )
        if before is not None:
            statement = statement.where(_entry.id < before)
        return [(entry, transaction) for entry, transaction in await self._session.execute(statement)]

    async def months(self, user_id: UUID) -> list[tuple[str, int, int]]:
        """The last twelve months, the present one last: which, points added, points taken away."""
        rows = await self._session.execute(_MONTHS, {"user_id": user_id})
        return [(row.month, row.added, row.taken) for row in rows]

    async def take_time(self, limit: timedelta) -> None:
        """Let the statements of this transaction take so long, instead of the few seconds that a request has."""
        await self._session.execute(select(func.set_config("statement_timeout", f"{limit.total_seconds():.0f}s", True)))

    async def verify(self) -> dict[str, int]:
        """Counts and sums over the whole ledger, of one moment."""
        row = (await self._session.execute(_VERIFY)).one()
        return {name: int(value) for name, value in row._mapping.items()}  # noqa: SLF001 - SQLAlchemy's public name


def _refused_by(error: IntegrityError) -> str | None:
    """The name of the rule that refused."""
    return getattr(error.orig.__cause__, "constraint_name", None) if error.orig else None
