"""The points ledger in the hands of an administrator."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from web.api.answers import Answer, Listed
from web.api.calls import Calls, Values, given, once, read


class Booking(Answer):
    """One entry of a transaction."""

    user_id: UUID | None
    account: str | None
    points: int
    balance_after: int | None


class Transaction(Answer):
    """Entries that sum to 0."""

    id: UUID
    kind: str
    description: str
    task_id: UUID | None
    reverses_id: UUID | None
    reversed_by_id: UUID | None
    created_by: UUID
    created_at: datetime
    entries: list[Booking]


class BrokenLink(Answer):
    """The first link of the chain that does not hold."""

    position: int
    transaction_id: UUID
    detail: str


class Chain(Answer):
    """The chain of hashes over the ledger."""

    sealed: int
    unsealed: int
    head: str | None
    broken: BrokenLink | None


class Verification(Answer):
    """Whether the ledger holds what it promises."""

    ok: bool
    transactions: int
    entries: int
    sum: int
    mismatched_balances: int
    mismatched_reversals: int
    unbalanced_transactions: int
    approved_without_credit: int
    credits_without_approval: int
    chain: Chain


@dataclass(frozen=True)
class Ledger:
    """Read it, adjust, reverse, verify."""

    calls: Calls

    async def transactions(self, query: Values) -> Listed[Transaction]:
        """Newest first."""
        return read(Listed[Transaction], await self.calls.send("GET", "/points/transactions", params=given(query)))

    async def one(self, transaction_id: UUID) -> Transaction:
        """One transaction."""
        return read(Transaction, await self.calls.send("GET", f"/points/transactions/{transaction_id}"))

    async def adjust(self, key: str, values: Values) -> Transaction:
        """Give somebody points, or take some."""
        answer = await self.calls.send("POST", "/points/adjustments", json=values, headers=once(key))
        return read(Transaction, answer)

    async def reverse(self, transaction_id: UUID, key: str, reason: str) -> Transaction:
        """Undo a transaction."""
        path = f"/points/transactions/{transaction_id}/reverse"
        answer = await self.calls.send("POST", path, json={"reason": reason}, headers=once(key))
        return read(Transaction, answer)

    async def verify(self) -> Verification:
        """Walk all of it."""
        return read(Verification, await self.calls.send("GET", "/points/verify"))
