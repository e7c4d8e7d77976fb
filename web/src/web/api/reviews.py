"""What waits for a reviewer."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from web.api.answers import Answer, Listed
from web.api.calls import Calls, Values, given, once, read
from web.api.tasks import Proof, Task


class Record(Answer):
    """How a person's proofs fared until now."""

    approved: int
    rejected: int
    reversed: int


class Match(Answer):
    """Another proof with the same or a similar picture."""

    kind: str
    distance: int
    proof_id: UUID
    task_id: UUID
    user_id: UUID
    app_name: str
    status: str


class Hints(Answer):
    """How many other proofs came as the same file, or as the same pixels, and the nearest ones."""

    same_file: int
    same_pixels: int
    matches: list[Match]


class Signal(Answer):
    """Something that adds to the risk."""

    code: str
    points: int


class Risk(Answer):
    """How much speaks for a second look, from 0."""

    score: int
    signals: list[Signal]


class Holder(Answer):
    """Who holds a task at the moment."""

    reviewer_id: UUID
    expires_at: datetime


class ReviewedTask(Task):
    """A task with whose it is."""

    user_id: UUID


class Review(Answer):
    """One entry of the review queue."""

    task: ReviewedTask
    proof: Proof
    record: Record
    hints: Hints
    risk: Risk
    lease: Holder | None
    account_created_at: datetime | None


class Decided(Answer):
    """What was decided in a period."""

    decided: int
    approved: int
    rejected: int
    approval_rate: float | None
    median_seconds: float | None


class DecidedBy(Decided):
    """The same, of one reviewer."""

    reviewer_id: UUID


class Statistics(Answer):
    """The decisions of a period: together and by reviewer."""

    total: Decided
    reviewers: list[DecidedBy]


@dataclass(frozen=True)
class Reviews:
    """The queue, and the decisions."""

    calls: Calls

    async def queue(self, query: Values) -> Listed[Review]:
        """What waits for a reviewer."""
        return read(Listed[Review], await self.calls.send("GET", "/reviews", params=given(query)))

    async def lease(self, task_id: UUID) -> None:
        """Reserve a task for oneself for a while."""
        await self.calls.send("POST", f"/reviews/{task_id}/lease")

    async def release(self, task_id: UUID) -> None:
        """Let others have it."""
        await self.calls.send("DELETE", f"/reviews/{task_id}/lease")

    async def decide(self, task_id: UUID | str, key: str, decision: Values) -> None:
        """Approve or reject."""
        await self.calls.send("POST", f"/reviews/{task_id}/decision", json=decision, headers=once(key))

    async def statistics(self, period: str) -> Statistics:
        """What was decided in ``period``."""
        return read(Statistics, await self.calls.send("GET", "/reviews/statistics", params={"period": period}))
