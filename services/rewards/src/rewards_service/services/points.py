"""What people have: balance, statement, summary."""

from collections.abc import AsyncIterator
from uuid import UUID

from rewards_service.clients.accounts import Accounts
from rewards_service.repositories.ledger import LedgerRepository
from rewards_service.repositories.tasks import TaskRepository
from rewards_service.schemas.points import EntryOut, MonthOut, MonthsOut, PointsOut, SummaryOut
from rewards_service.services.statement import line_of, statement_csv
from servicekit.db import Database
from servicekit.pagination import Cursors
from servicekit.problems import DomainError
from servicekit.schemas import Page


class PointsService:
    """Reads the ledger."""

    def __init__(self, database: Database, accounts: Accounts, cursors: Cursors) -> None:
        self._database = database
        self._accounts = accounts
        self._cursors = cursors

    async def points(self, user_id: UUID) -> PointsOut:
        """This person's points."""
        async with self._database.transaction() as session:
            balance, lifetime = await LedgerRepository(session).balance(user_id)
            counts = await TaskRepository(session).counts(user_id)
        return PointsOut(balance=balance, pending=counts["points"], lifetime_earned=lifetime)

    async def statement(self, user_id: UUID, cursor: str | None, limit: int) -> Page[EntryOut]:
        """This person's entries, newest first."""
        scope = f"entries {user_id}"
        before = self._cursors.decode(scope, cursor)[0] if cursor else None
        async with self._database.transaction() as session:
            rows = await LedgerRepository(session).statement(user_id, before, limit + 1)
        items = [line_of(entry, transaction) for entry, transaction in rows[:limit]]
        more = len(rows) > limit
        return Page(items=items, next_cursor=self._cursors.encode(scope, [rows[limit - 1][0].id]) if more else None)

    async def months(self, user_id: UUID) -> MonthsOut:
        """This person's last twelve months."""
        async with self._database.transaction() as session:
            months = await LedgerRepository(session).months(user_id)
        return MonthsOut(items=[MonthOut(month=month, added=added, taken=taken) for month, added, taken in months])

    def statement_csv(self, user_id: UUID) -> AsyncIterator[str]:
        """This person's whole statement as CSV, newest first, a piece at a time."""
        return statement_csv(self._database, user_id)

    async def summary(self, user_id: UUID, token: str) -> SummaryOut:
        """Name, points and tasks. The accounts are asked first, so that no transaction waits for them."""
        name = await self._name(token)
        async with self._database.transaction() as session:
            balance, lifetime = await LedgerRepository(session).balance(user_id)
            counts = await TaskRepository(session).counts(user_id)
        return SummaryOut(
            name=name,
            points=balance,
            points_pending=counts["points"],
            lifetime_earned=lifetime,
            tasks_active=counts["active"],
            tasks_pending=counts["pending"],
            tasks_completed=counts["completed"],
        )

    async def _name(self, token: str) -> str | None:
        try:
            return (await self._accounts.me(token)).name
        except DomainError:  # the page is worth more than the name on it
            return None
