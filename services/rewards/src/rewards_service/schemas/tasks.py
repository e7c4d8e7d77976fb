"""What comes in and goes out of tasks and their proofs."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from rewards_service.schemas.examples import APP_ID, PROOF_ID, TASK_ID, USER_ID, example
from servicekit.schemas import Input, Output

TaskStatus = Literal["started", "submitted", "approved", "rejected", "cancelled", "expired", "reversed"]
ReasonCode = Literal["wrong_app", "not_open", "unreadable", "duplicate", "edited", "other"]


class TaskIn(Input):
    """Which app to start."""

    model_config = example(app_id=APP_ID)

    app_id: UUID


class Rejection(Output):
    """Why a proof was rejected."""

    reason_code: ReasonCode
    note: str | None


class TaskOut(Output):
    """A task. Name and points of the app are those of the task's start and never change."""

    model_config = example(
        id=TASK_ID,
        user_id=USER_ID,
        app_id=APP_ID,
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

    model_config = example(
        id=PROOF_ID, task_id=TASK_ID, attempt=1, width=1080, height=2400, created_at="2026-01-02T10:00:00Z"
    )

    id: UUID
    task_id: UUID
    attempt: int
    width: int
    height: int
    created_at: datetime
