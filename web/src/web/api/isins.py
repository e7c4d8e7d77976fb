"""Securities and the daily lists."""

from dataclasses import dataclass
from datetime import date, datetime

from web.api.answers import Answer, Listed
from web.api.calls import Calls, read


class Sighting(Answer):
    """An ISIN on one list."""

    feed: str
    status: str
    first_seen: date
    last_seen: date


class Isin(Answer):
    """What is known about one security."""

    isin: str
    country: str
    name: str | None
    type: str | None
    currency: str | None
    lei: str | None
    status: str
    feeds: list[Sighting]


class Feed(Answer):
    """A daily list, and how fresh it is."""

    name: str
    title: str
    schedule: str
    last_success_at: datetime | None
    next_run_at: datetime
    freshness: str
    rows: int


@dataclass(frozen=True)
class Isins:
    """Look a security up; how fresh the lists are."""

    calls: Calls

    async def one(self, isin: str) -> Isin:
        """One security."""
        return read(Isin, await self.calls.send("GET", f"/isins/{isin}"))

    async def feeds(self) -> list[Feed]:
        """The daily lists."""
        return read(Listed[Feed], await self.calls.send("GET", "/feeds")).items
