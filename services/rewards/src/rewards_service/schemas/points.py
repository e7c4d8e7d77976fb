"""What somebody earned: balance, statement, months, leaderboard."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from rewards_service.schemas.examples import TASK_ID, TRANSACTION_ID, example
from servicekit.schemas import Input, Output


class PointsOut(Output):
    """What somebody has, and what may come."""

    model_config = example(balance=750, pending=250, lifetime_earned=1000)

    balance: int
    pending: int = Field(description="The points of the tasks that wait for a decision")
    lifetime_earned: int = Field(description="All that was ever earned and not taken back, whether spent or not")


class EntryOut(Output):
    """A line of the statement."""

    model_config = example(
        transaction_id=TRANSACTION_ID,
        kind="task.approve",
        description="Example Reader",
        points=250,
        balance_after=750,
        task_id=TASK_ID,
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

    model_config = example(month="2026-01", added=750, taken=0)

    month: str = Field(description="Year and month, by UTC")
    added: int
    taken: int = Field(description="Points that went, as a positive number")


class MonthsOut(Output):
    """The last twelve months, the present one last."""

    items: list[MonthOut]


class PreferencesIn(Input):
    """What to change."""

    model_config = example(leaderboard=True)

    leaderboard: bool = Field(strict=True, description="Whether others see your name and points on the leaderboard")


class PreferencesOut(PreferencesIn):
    """What you chose."""


class LeaderOut(Output):
    """A line of the leaderboard. Equal points have an equal rank."""

    model_config = example(rank=1, name="Ada", points=1250, is_me=False)

    rank: int
    name: str
    points: int = Field(description="Earned in the period and not taken back, whether spent or not")
    is_me: bool


class SummaryOut(Output):
    """The first page after signing in, in one call."""

    model_config = example(
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
