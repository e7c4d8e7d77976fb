"""What administrators do with the ledger: correct, reverse, look things up, and check all of it."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from rewards_service.clients.accounts import Accounts
from rewards_service.errors import (
    AlreadyReversed,
    BalanceTooLow,
    ReversalIsFinal,
    TransactionNotFound,
    UnknownPerson,
)
from rewards_service.models import Transaction
from rewards_service.repositories.ledger import ADJUSTED, BelowZero, Event, LedgerRepository
from rewards_service.repositories.tasks import TaskRepository
from rewards_service.schemas.ledger import AdjustmentIn, BookingOut, TransactionOut, VerifyOut
from rewards_service.services.chain import check_chain
from rewards_service.services.idempotency import Answer, Call, Once
from servicekit.db import Database
from servicekit.logs import get_logger
from servicekit.pagination import Cursors
from servicekit.schemas import Page

ADJUSTMENT = "adjustment"
REVERSAL = "reversal"

log = get_logger(__name__)


class LedgerService:
    """The ledger, for administrators. Nothing in it is ever changed: what was wrong is set right by another entry."""

    def __init__(self, database: Database, accounts: Accounts, cursors: Cursors) -> None:
        self._database = database
        self._once = Once(database)
        self._accounts = accounts
        self._cursors = cursors

    async def adjust(self, call: Call, token: str, adjustment: AdjustmentIn) -> Answer:
        """Give somebody points by hand, or take some away, but not more than they have.

        Raises:
            UnknownPerson, BalanceTooLow: see there.
            Unavailable: the accounts can't be asked whether there is such a person.
        """
        known = await self._once.known(call)
        if known is not None:
            return known
        if not await self._accounts.exists(adjustment.user_id, token):
            raise UnknownPerson

        async def effect(session: AsyncSession) -> Answer:
            ledger = LedgerRepository(session)
            event = Event(ADJUSTMENT, str(uuid4()), description=adjustment.reason, created_by=call.user_id)
            system, theirs = await ledger.accounts(ADJUSTED, adjustment.user_id)
            transaction_id = await ledger.post(event, {system: -adjustment.points, theirs: adjustment.points})
            return await _created(ledger, transaction_id)

        try:
            answer = await self._once.run(call, effect)
        except BelowZero as error:
            raise BalanceTooLow from error
        log.info("points.adjusted", user_id=str(adjustment.user_id), replayed=answer.replayed)
        return answer

    async def reverse(self, call: Call, transaction_id: UUID, reason: str) -> Answer:
        """Undo a transaction wholly; the task that it paid for is `reversed` with it. The balance may fall below 0.

        Raises:
            TransactionNotFound, ReversalIsFinal, AlreadyReversed: see there.
        """

        async def effect(session: AsyncSession) -> Answer:
            ledger = LedgerRepository(session)
            undone = await ledger.transaction(transaction_id)
            if undone is None:
                raise TransactionNotFound
            if undone.reverses_id is not None:
                raise ReversalIsFinal
            # Locked first, as a decision does: who reverses and who looks at the task never wait for each other.
            if undone.task_id is not None:
                await TaskRepository(session).reverse(undone.task_id)
            booked = (await ledger.bookings([undone.id]))[undone.id]
            event = Event(REVERSAL, str(undone.id), reason, call.user_id, undone.task_id, reverses_id=undone.id)
            reversal_id = await ledger.post(event, {entry.account_id: -entry.amount for entry, _ in booked})
            if reversal_id is None:
                raise AlreadyReversed
            return await _created(ledger, reversal_id)

        answer = await self._once.run(call, effect)
        log.info("points.reversed", transaction_id=str(transaction_id), replayed=answer.replayed)
        return answer

    async def get(self, transaction_id: UUID) -> TransactionOut:
        """A transaction with its entries. Raises TransactionNotFound."""
        async with self._database.transaction() as session:
            ledger = LedgerRepository(session)
            found = await ledger.transaction(transaction_id)
            if found is None:
                raise TransactionNotFound
            return (await _shown(ledger, [found]))[0]

    async def list(self, user_id: UUID | None, cursor: str | None, limit: int) -> Page[TransactionOut]:
        """Transactions, newest first."""
        scope = f"transactions {user_id}"
        before = None
        if cursor:
            created_at, last_id = self._cursors.decode(scope, cursor)
            before = (datetime.fromisoformat(created_at), UUID(last_id))
        async with self._database.transaction() as session:
            ledger = LedgerRepository(session)
            found = await ledger.transactions(user_id, before, limit + 1)
            items = await _shown(ledger, found[:limit])
        more = len(found) > limit
        position = [str(items[-1].created_at), str(items[-1].id)] if more else None
        return Page(items=items, next_cursor=self._cursors.encode(scope, position) if position else None)

    async def verify(self) -> VerifyOut:
        """Whether the ledger holds what it promises, over all accounts and the whole chain."""
        return await verify(self._database)


async def verify(database: Database) -> VerifyOut:
    """Whether the ledger in this database holds what it promises."""
    async with database.transaction() as session:
        found = await LedgerRepository(session).verify()
    chain = await check_chain(database)
    faults = [value for name, value in found.items() if name not in {"transactions", "entries"}]
    return VerifyOut(ok=chain.broken is None and not any(faults), chain=chain, **found)


async def _created(ledger: LedgerRepository, transaction_id: UUID | None) -> Answer:
    posted = await ledger.transaction(transaction_id) if transaction_id else None
    assert posted is not None  # noqa: S101 - it was posted in this transaction
    shown = (await _shown(ledger, [posted]))[0]
    return Answer.of(201, shown, location=f"/api/v1/points/transactions/{posted.id}")


async def _shown(ledger: LedgerRepository, transactions: list[Transaction]) -> list[TransactionOut]:
    ids = [transaction.id for transaction in transactions]
    bookings, reversals = await ledger.bookings(ids), await ledger.reversals(ids)
    return [
        TransactionOut(
            **transaction.model_dump(),
            reversed_by_id=reversals.get(transaction.id),
            entries=[
                BookingOut(
                    user_id=account.user_id,
                    account=account.name,
                    points=entry.amount,
                    balance_after=entry.balance_after,
                )
                for entry, account in bookings[transaction.id]
            ],
        )
        for transaction in transactions
    ]
