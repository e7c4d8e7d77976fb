"""What a reviewer sees of a waiting task, and what comes of a decision."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from rewards_service.schemas.examples import TASK_ID, example
from rewards_service.schemas.tasks import ProofOut, ReasonCode, TaskOut, TaskStatus
from servicekit.schemas import Input, Output


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

    model_config = example(task_id=TASK_ID, expires_at="2026-01-02T10:10:00Z")

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

    model_config = ConfigDict(json_schema_extra={"examples": [{"task_id": TASK_ID, "decision": "approve"}]})

    task_id: UUID


class BulkIn(Input):
    """Decisions on several tasks."""

    items: list[BulkDecisionIn] = Field(min_length=1, max_length=100)


class BulkResult(Output):
    """What became of one decision: `task` when `status` is 200, else the code and detail of what was wrong."""

    model_config = example(
        task_id=TASK_ID, status=409, task=None, transaction_id=None, code="already-decided",
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
