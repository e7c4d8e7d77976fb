"""One's own points."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import httpx

from web.api.answers import Answer, Listed
from web.api.calls import Calls, Values, given, read


class Balance(Answer):
    """A person's points."""

    balance: int
    pending: int
    lifetime_earned: int


class Entry(Answer):
    """One line of the statement."""

    kind: str
    description: str
    points: int
    balance_after: int
    task_id: UUID | None
    created_at: datetime


class Summary(Answer):
    """Points and tasks in one call."""

    points: int
    points_pending: int
    tasks_active: int
    tasks_pending: int
    tasks_completed: int


class Month(Answer):
    """What a month brought."""

    month: str  # as in 2026-11
    added: int
    taken: int


class Leader(Answer):
    """A line of the leaderboard."""

    rank: int
    name: str
    points: int
    is_me: bool


class Preferences(Answer):
    """What one has chosen."""

    leaderboard: bool


@dataclass(frozen=True)
class Points:
    """Balance and statement."""

    calls: Calls

    async def balance(self) -> Balance:
        """One's own points."""
        return read(Balance, await self.calls.send("GET", "/points"))

    async def entries(self, query: Values) -> Listed[Entry]:
        """One's own statement."""
        return read(Listed[Entry], await self.calls.send("GET", "/points/entries", params=given(query)))

    async def summary(self) -> Summary:
        """Points and tasks at a glance."""
        return read(Summary, await self.calls.send("GET", "/me/summary"))

    async def months(self) -> list[Month]:
        """The last twelve months, the present one last."""
        return read(Listed[Month], await self.calls.send("GET", "/points/months")).items

    async def statement_csv(self) -> httpx.Response:
        """The whole statement as a stream, which the caller closes."""
        return await self.calls.send("GET", "/points/entries", params={"format": "csv"}, stream=True)

    async def leaders(self, query: Values) -> Listed[Leader]:
        """Who earned most, of those who chose to be seen."""
        return read(Listed[Leader], await self.calls.send("GET", "/leaderboard", params=given(query)))

    async def preferences(self) -> Preferences:
        """What one has chosen."""
        return read(Preferences, await self.calls.send("GET", "/me/preferences"))

    async def choose(self, *, leaderboard: bool) -> None:
        """Be on the leaderboard, or be there no more."""
        await self.calls.send("PATCH", "/me/preferences", json={"leaderboard": leaderboard})
