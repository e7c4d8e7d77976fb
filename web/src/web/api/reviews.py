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


class Hints(Answer):
    """How many other proofs came as the same file, or as the same pixels."""

    same_file: int
    same_pixels: int


class Holder(Answer):
    """Who holds a task at the moment."""

    reviewer_id: UUID
    expires_at: datetime


class Review(Answer):
    """One entry of the review queue."""

    task: Task
    proof: Proof
    record: Record
    hints: Hints
    lease: Holder | None


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

    async def decide(self, task_id: UUID, key: str, decision: Values) -> None:
        """Approve or reject."""
        await self.calls.send("POST", f"/reviews/{task_id}/decision", json=decision, headers=once(key))
