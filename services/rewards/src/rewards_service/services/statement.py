"""The lines of a statement, and all of them as CSV (RFC 4180) for a spreadsheet."""

import csv
import io
from collections.abc import AsyncIterator, Iterable
from uuid import UUID

from rewards_service.models import Entry, Transaction
from rewards_service.repositories.ledger import LedgerRepository
from rewards_service.schemas.points import EntryOut
from servicekit.db import Database

COLUMNS = ("created_at", "kind", "description", "points", "balance_after", "task_id", "transaction_id")
LINES_AT_ONCE = 1000
# A spreadsheet takes a text that begins like this for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def line_of(entry: Entry, transaction: Transaction) -> EntryOut:
    """The line of an entry of a person's account."""
    return EntryOut(
        transaction_id=transaction.id,
        kind=transaction.kind,
        description=transaction.description,
        points=entry.amount,
        balance_after=entry.balance_after or 0,
        task_id=transaction.task_id,
        created_at=transaction.created_at,
    )


async def statement_csv(database: Database, user_id: UUID) -> AsyncIterator[str]:
    """This person's whole statement, newest first, a piece at a time. No transaction is open between two pieces."""
    yield _lines([COLUMNS])
    before: int | None = None
    while True:
        async with database.transaction() as session:
            rows = await LedgerRepository(session).statement(user_id, before, LINES_AT_ONCE)
        if not rows:
            return
        before = rows[-1][0].id
        yield _lines(_cells(line_of(entry, transaction)) for entry, transaction in rows)


def _cells(line: EntryOut) -> list[object]:
    values = line.model_dump(mode="json")
    return [_plain(values[column]) for column in COLUMNS]


def _plain(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _lines(rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
