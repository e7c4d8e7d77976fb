"""One's own tasks and their screenshots."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import httpx

from web.api.answers import Answer, Listed
from web.api.calls import Calls, Upload, Values, given, once, read


class Rejection(Answer):
    """Why a proof was not accepted."""

    reason_code: str
    note: str | None


class Proof(Answer):
    """An uploaded screenshot."""

    id: UUID
    attempt: int
    width: int
    height: int
    created_at: datetime


class Task(Answer):
    """One person's work on one app."""

    id: UUID
    app_id: UUID
    app_name: str
    package_name: str
    points: int
    status: str
    attempts_left: int
    last_rejection: Rejection | None
    proof_id: UUID | None  # the newest
    expires_at: datetime
    created_at: datetime
    submitted_at: datetime | None = None
    decided_at: datetime | None = None
    queue_position: int | None = None
    median_review_seconds: int | None = None


@dataclass(frozen=True)
class Tasks:
    """Start a task, hand in a screenshot, see how it stands."""

    calls: Calls

    async def mine(self, query: Values) -> Listed[Task]:
        """One's own tasks."""
        return read(Listed[Task], await self.calls.send("GET", "/tasks", params=given(query)))

    async def one(self, task_id: UUID) -> Task:
        """One of one's own tasks."""
        return read(Task, await self.calls.send("GET", f"/tasks/{task_id}"))

    async def start(self, app_id: UUID, key: str) -> Task:
        """Begin with an app."""
        return read(Task, await self.calls.send("POST", "/tasks", json={"app_id": str(app_id)}, headers=once(key)))

    async def cancel(self, task_id: UUID) -> None:
        """Give a task up."""
        await self.calls.send("POST", f"/tasks/{task_id}/cancel")

    async def submit_proof(self, task_id: UUID, key: str, upload: Upload) -> None:
        """Hand in a screenshot."""
        await self.calls.send("POST", f"/tasks/{task_id}/proofs", upload=upload, headers=once(key))

    async def picture(self, proof_id: UUID, size: str, seen: str | None) -> httpx.Response:
        """The screenshot as a stream, which the caller closes; 304 when ``seen`` is still its ETag."""
        headers = {"If-None-Match": seen} if seen else {}
        return await self.calls.send("GET", f"/proofs/{proof_id}/{size}", headers=headers, stream=True)
