"""One's own points."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

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
