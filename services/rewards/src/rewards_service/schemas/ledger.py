"""Transactions, bookings by hand, and whether the ledger holds."""

from datetime import datetime
from uuid import UUID

from pydantic import Field, field_validator

from rewards_service.schemas.examples import TASK_ID, TRANSACTION_ID, USER_ID, example
from servicekit.schemas import Input, Output


class AdjustmentIn(Input):
    """Points given by hand, or taken away."""

    model_config = example(user_id=USER_ID, points=50, reason="Thank you for the bug report")

    user_id: UUID
    points: int = Field(strict=True, ge=-1_000_000, le=1_000_000, description="Below 0 takes points away; never 0")
    reason: str = Field(min_length=1, max_length=500, description="The person reads it in their statement")

    @field_validator("points")
    @classmethod
    def _not_nothing(cls, value: int) -> int:
        if value == 0:
            raise ValueError("0 changes nothing")
        return value


class ReversalIn(Input):
    """Why a transaction is undone."""

    model_config = example(reason="The screenshot was somebody else's")

    reason: str = Field(min_length=1, max_length=500, description="The person reads it in their statement")


class BookingOut(Output):
    """An entry of a transaction: of a person, or of an account of the system, which has a name and no balance."""

    user_id: UUID | None
    account: str | None
    points: int
    balance_after: int | None


class TransactionOut(Output):
    """A transaction of the ledger. Its entries sum to 0."""

    model_config = example(
        id=TRANSACTION_ID,
        kind="task.approve",
        reference=TASK_ID,
        description="Example Reader",
        task_id=TASK_ID,
        reverses_id=None,
        reversed_by_id=None,
        created_by="0199d1a2-7b60-7f3e-9c7d-2f0f1a6b5c06",
        created_at="2026-01-03T11:00:00Z",
        entries=[
            {"user_id": None, "account": "points.issued", "points": -250, "balance_after": None},
            {"user_id": USER_ID, "account": None, "points": 250, "balance_after": 750},
        ],
    )

    id: UUID
    kind: str = Field(description="`task.approve`, `adjustment`, `reversal`")
    reference: str = Field(description="What it is about; unique for its kind")
    description: str
    task_id: UUID | None
    reverses_id: UUID | None = Field(description="The transaction that it undoes")
    reversed_by_id: UUID | None = Field(description="The transaction that undid it")
    created_by: UUID
    created_at: datetime
    entries: list[BookingOut]


class BrokenLink(Output):
    """The first link of the chain that does not hold."""

    position: int
    transaction_id: UUID
    detail: str


class ChainOut(Output):
    """The chain of hashes over the ledger."""

    sealed: int = Field(description="how many transactions are sealed, up to the first broken link")
    unsealed: int = Field(description="how many are not sealed yet; the worker seals every minute")
    head: str | None = Field(description="the last hash, hexadecimal: kept elsewhere, it shows a ledger cut short")
    broken: BrokenLink | None


class VerifyOut(Output):
    """Whether the ledger holds what it promises. `ok` when all from `sum` on are 0 and no link is broken."""

    model_config = example(
        ok=True, transactions=1200, entries=2400, sum=0, mismatched_balances=0, unbalanced_transactions=0,
        approved_without_credit=0, credits_without_approval=0, mismatched_reversals=0,
        chain={"sealed": 1200, "unsealed": 0, "head": "9c7d" * 16, "broken": None},
    )  # fmt: skip

    ok: bool
    transactions: int
    entries: int
    sum: int = Field(description="over all entries of all accounts")
    mismatched_balances: int = Field(description="accounts whose balance is not the sum of their entries")
    unbalanced_transactions: int
    approved_without_credit: int
    credits_without_approval: int
    mismatched_reversals: int = Field(description="tasks reversed without their credit, or the other way round")
    chain: ChainOut
