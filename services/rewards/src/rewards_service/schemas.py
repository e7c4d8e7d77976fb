"""What comes in and what goes out."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from servicekit.schemas import Input, Output

TaskStatus = Literal["started", "submitted", "approved", "rejected", "cancelled", "expired", "reversed"]
ReasonCode = Literal["wrong_app", "not_open", "unreadable", "duplicate", "edited", "other"]

_USER_ID = "0199d1a2-7b60-7f3e-9c7d-2f0f1a6b5c01"
_APP_ID = "0199d1a2-7b60-7f3e-9c7d-2f0f1a6b5c02"
_TASK_ID = "0199d1a2-7b60-7f3e-9c7d-2f0f1a6b5c03"
_PROOF_ID = "0199d1a2-7b60-7f3e-9c7d-2f0f1a6b5c04"
_TRANSACTION_ID = "0199d1a2-7b60-7f3e-9c7d-2f0f1a6b5c05"


def _example(**values: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [values]})


class TaskIn(Input):
    """Which app to start."""

    model_config = _example(app_id=_APP_ID)

    app_id: UUID


class Rejection(Output):
    """Why a proof was rejected."""

    reason_code: ReasonCode
    note: str | None


class TaskOut(Output):
    """A task. Name and points of the app are those of the task's start and never change."""

    model_config = _example(
        id=_TASK_ID,
        user_id=_USER_ID,
        app_id=_APP_ID,
        app_name="Example Reader",
        package_name="org.example.reader",
        points=250,
        status="started",
        attempts_left=3,
        last_rejection=None,
        proof_id=None,
        expires_at="2026-01-08T09:00:00Z",
        created_at="2026-01-01T09:00:00Z",
        submitted_at=None,
        decided_at=None,
        queue_position=None,
        median_review_seconds=None,
    )

    id: UUID
    user_id: UUID
    app_id: UUID
    app_name: str
    package_name: str
    points: int
    status: TaskStatus
    attempts_left: int = Field(description="How many proofs may still be sent")
    last_rejection: Rejection | None
    proof_id: UUID | None = Field(description="The newest proof")
    expires_at: datetime = Field(description="Until when a proof is taken, the first or another one")
    created_at: datetime
    submitted_at: datetime | None
    decided_at: datetime | None
    queue_position: int | None = Field(
        default=None, description="While `submitted`, when a single task is read: 1 is decided next"
    )
    median_review_seconds: int | None = Field(
        default=None, description="As `queue_position`: how long half of the last 200 decisions took at most"
    )


class ProofOut(Output):
    """A proof. Its picture is at `/api/v1/proofs/{id}/image`, upright and without any metadata."""

    model_config = _example(
        id=_PROOF_ID, task_id=_TASK_ID, attempt=1, width=1080, height=2400, created_at="2026-01-02T10:00:00Z"
    )

    id: UUID
    task_id: UUID
    attempt: int
    width: int
    height: int
    created_at: datetime


class Record(Output):
    """How the person's proofs fared until now."""

    approved: int
    rejected: int
    reversed: int = Field(description="Of the approved ones, how many were taken back")


class Match(Output):
    """Another proof that looks like this one. `similar` is a hint to compare, and no sign of anything by itself."""

    kind: Literal["same_file", "same_pixels", "similar"]
    distance: int = Field(description="In how many of 64 points of comparison the two look different")
    proof_id: UUID
    task_id: UUID
    user_id: UUID
    app_name: str
    status: TaskStatus = Field(description="Of its task")


class Hints(Output):
    """How many other proofs, by anyone, came as the same file, or as the same pixels in whatever file."""

    same_file: int
    same_pixels: int
    matches: list[Match] = Field(description="The newest five of the same, and the nearest five of the similar ones")


class Signal(Output):
    """A reason to look closely, and its part in the score."""

    code: Literal["copied", "repeated", "reversed_before", "rejected_before", "new_account"]
    points: int


class Risk(Output):
    """How closely to look. The score is the sum of the signals; what is not listed counts 0.

    `copied` 50: the same picture came from somebody else. `repeated` 30: it came from the same person before.
    `reversed_before` 20: an approval of theirs was taken back. `rejected_before` up to 20: the share of their proofs
    that were rejected. `new_account` 10: it is younger than a day.
    """

    score: int
    signals: list[Signal]


class LeaseOut(Output):
    """Until when a reviewer holds a task."""

    model_config = _example(task_id=_TASK_ID, expires_at="2026-01-02T10:10:00Z")

    task_id: UUID
    expires_at: datetime


class Holder(Output):
    """Who holds a task at the moment."""

    reviewer_id: UUID
    expires_at: datetime


class ReviewItem(Output):
    """A task that waits for a decision, with what helps to decide."""

    task: TaskOut
    proof: ProofOut
    account_created_at: datetime | None
    record: Record
    hints: Hints
    risk: Risk
    lease: Holder | None


StatisticsPeriod = Literal["day", "week", "month", "all"]


class DecisionStatistics(Output):
    """What was decided, and how long the people waited."""

    decided: int
    approved: int
    rejected: int
    approval_rate: float | None = Field(description="The approved share, 0 to 1; null when nothing was decided")
    median_seconds: float | None = Field(description="From the arrival of a proof to the decision on it")


class ReviewerStatistics(DecisionStatistics):
    """One reviewer's decisions."""

    reviewer_id: UUID


class ReviewStatistics(Output):
    """The decisions of a period that ends now: 24 hours, 7 days, 30 days, or all time."""

    period: StatisticsPeriod
    total: DecisionStatistics
    reviewers: list[ReviewerStatistics] = Field(description="The busiest first")


class DecisionIn(Input):
    """The decision on a task's newest proof."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"decision": "approve"},
                {"decision": "reject", "reason_code": "not_open", "note": "The app itself must be on the picture."},
            ]
        }
    )

    decision: Literal["approve", "reject"]
    reason_code: ReasonCode | None = Field(default=None, validate_default=True)
    note: str | None = Field(default=None, max_length=1000, validate_default=True)
    proof_id: UUID | None = Field(default=None, description="The proof that was looked at: 409 if there is a newer one")

    @field_validator("reason_code")
    @classmethod
    def _reason_of_a_reject(cls, value: ReasonCode | None, info: ValidationInfo) -> ReasonCode | None:
        if info.data.get("decision") == "reject" and value is None:
            raise ValueError("A reject needs a reason")
        if info.data.get("decision") == "approve" and value is not None:
            raise ValueError("Only a reject has a reason")
        return value

    @field_validator("note")
    @classmethod
    def _note_of_other(cls, value: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("reason_code") == "other" and not value:
            raise ValueError("The reason `other` needs a note")
        return value or None


class DecisionOut(Output):
    """The outcome; `transaction_id` is the credit, when there is one."""

    task: TaskOut
    transaction_id: UUID | None = None


class BulkDecisionIn(DecisionIn):
    """The decision on one of several tasks."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"task_id": _TASK_ID, "decision": "approve"}]})

    task_id: UUID


class BulkIn(Input):
    """Decisions on several tasks."""

    items: list[BulkDecisionIn] = Field(min_length=1, max_length=100)


class BulkResult(Output):
    """What became of one decision: `task` when `status` is 200, else the code and detail of what was wrong."""

    model_config = _example(
        task_id=_TASK_ID, status=409, task=None, transaction_id=None, code="already-decided",
        detail="The task is approved.",
    )  # fmt: skip

    task_id: UUID
    status: int = Field(description="What the decision alone would have been answered with")
    task: TaskOut | None = None
    transaction_id: UUID | None = None
    code: str | None = None
    detail: str | None = None


class BulkOut(Output):
    """The results, in the order of the decisions."""

    items: list[BulkResult]


class PointsOut(Output):
    """What somebody has, and what may come."""

    model_config = _example(balance=750, pending=250, lifetime_earned=1000)

    balance: int
    pending: int = Field(description="The points of the tasks that wait for a decision")
    lifetime_earned: int = Field(description="All that was ever earned and not taken back, whether spent or not")


class EntryOut(Output):
    """A line of the statement."""

    model_config = _example(
        transaction_id=_TRANSACTION_ID,
        kind="task.approve",
        description="Example Reader",
        points=250,
        balance_after=750,
        task_id=_TASK_ID,
        created_at="2026-01-03T11:00:00Z",
    )

    transaction_id: UUID
    kind: str
    description: str
    points: int
    balance_after: int
    task_id: UUID | None
    created_at: datetime


class MonthOut(Output):
    """What a month brought."""

    model_config = _example(month="2026-01", added=750, taken=0)

    month: str = Field(description="Year and month, by UTC")
    added: int
    taken: int = Field(description="Points that went, as a positive number")


class MonthsOut(Output):
    """The last twelve months, the present one last."""

    items: list[MonthOut]


class AdjustmentIn(Input):
    """Points given by hand, or taken away."""

    model_config = _example(user_id=_USER_ID, points=50, reason="Thank you for the bug report")

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

    model_config = _example(reason="The screenshot was somebody else's")

    reason: str = Field(min_length=1, max_length=500, description="The person reads it in their statement")


class BookingOut(Output):
    """An entry of a transaction: of a person, or of an account of the system, which has a name and no balance."""

    user_id: UUID | None
    account: str | None
    points: int
    balance_after: int | None


class TransactionOut(Output):
    """A transaction of the ledger. Its entries sum to 0."""

    model_config = _example(
        id=_TRANSACTION_ID,
        kind="task.approve",
        reference=_TASK_ID,
        description="Example Reader",
        task_id=_TASK_ID,
        reverses_id=None,
        reversed_by_id=None,
        created_by="0199d1a2-7b60-7f3e-9c7d-2f0f1a6b5c06",
        created_at="2026-01-03T11:00:00Z",
        entries=[
            {"user_id": None, "account": "points.issued", "points": -250, "balance_after": None},
            {"user_id": _USER_ID, "account": None, "points": 250, "balance_after": 750},
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


class PreferencesIn(Input):
    """What to change."""

    model_config = _example(leaderboard=True)

    leaderboard: bool = Field(strict=True, description="Whether others see your name and points on the leaderboard")


class PreferencesOut(PreferencesIn):
    """What you chose."""


class LeaderOut(Output):
    """A line of the leaderboard. Equal points have an equal rank."""

    model_config = _example(rank=1, name="Ada", points=1250, is_me=False)

    rank: int
    name: str
    points: int = Field(description="Earned in the period and not taken back, whether spent or not")
    is_me: bool


class SummaryOut(Output):
    """The first page after signing in, in one call."""

    model_config = _example(
        name="Ada", points=750, points_pending=250, lifetime_earned=1000, tasks_active=1, tasks_pending=1,
        tasks_completed=3,
    )  # fmt: skip

    name: str | None = Field(description="null while the accounts can't be asked")
    points: int
    points_pending: int
    lifetime_earned: int
    tasks_active: int = Field(description="`started`, or `rejected` with attempts left: it is the person's turn")
    tasks_pending: int = Field(description="`submitted`: it is a reviewer's turn")
    tasks_completed: int


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

    model_config = _example(
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
