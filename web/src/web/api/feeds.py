"""The daily lists and their runs."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from web.api.answers import Answer, Listed
from web.api.calls import Calls, Values, given, read


class Alert(Answer):
    """A run that will not go on by itself."""

    run_id: UUID
    business_date: date
    status: str
    error: str | None


class Feed(Answer):
    """A daily list, and how fresh it is."""

    name: str
    title: str
    schedule: str
    last_success_at: datetime | None
    next_run_at: datetime
    freshness: str
    rows: int
    url: str
    business_date: date | None
    alerts: list[Alert]


class Hold(Answer):
    """A gate that a list did not pass."""

    gate: str
    detail: str
    value: float | None
    limit: float | None


class Run(Answer):
    """The work of one business date of one list. Counts are None until they are known."""

    id: UUID
    feed: str
    status: str
    business_date: date
    trigger: str
    attempts: int
    bytes: int | None
    rows: int | None
    valid: int | None
    added: int | None
    changed: int | None
    removed: int | None
    unchanged: int | None
    quarantined: int | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    next_try_at: datetime | None
    error: str | None
    url: str | None
    sha256: str | None
    gate: list[Hold] | None


class RefusedRow(Answer):
    """A row that a run put aside, and why."""

    row_number: int
    reason: str
    raw: str


@dataclass(frozen=True)
class Feeds:
    """How fresh the lists are, what their runs did, and what an administrator may do about it."""

    calls: Calls

    async def all(self) -> list[Feed]:
        """Every list."""
        return read(Listed[Feed], await self.calls.send("GET", "/feeds")).items

    async def one(self, name: str) -> Feed:
        """One list."""
        return read(Feed, await self.calls.send("GET", f"/feeds/{name}"))

    async def runs(self, name: str, query: Values) -> Listed[Run]:
        """The runs of a list, the newest business date first."""
        return read(Listed[Run], await self.calls.send("GET", f"/feeds/{name}/runs", params=given(query)))

    async def run(self, name: str, run_id: UUID) -> Run:
        """One run."""
        return read(Run, await self.calls.send("GET", f"/feeds/{name}/runs/{run_id}"))

    async def refused(self, name: str, run_id: UUID, query: Values) -> Listed[RefusedRow]:
        """The rows that a run put aside."""
        path = f"/feeds/{name}/runs/{run_id}/quarantine"
        return read(Listed[RefusedRow], await self.calls.send("GET", path, params=given(query)))

    async def start(self, name: str, values: Values) -> Run:
        """Ask for a run; the run of that date if there is one already."""
        return read(Run, await self.calls.send("POST", f"/feeds/{name}/runs", json=given(values)))

    async def release(self, name: str, run_id: UUID) -> None:
        """Publish what a gate holds."""
        await self.calls.send("POST", f"/feeds/{name}/runs/{run_id}/release")

    async def drop(self, name: str, run_id: UUID) -> None:
        """Settle that it will not be published."""
        await self.calls.send("POST", f"/feeds/{name}/runs/{run_id}/drop")
