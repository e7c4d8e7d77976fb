"""Securities: look one up, search, check what somebody wrote down."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from web.api.answers import Answer, Listed
from web.api.calls import Calls, Content, Values, given, read


class Sighting(Answer):
    """An ISIN on one list."""

    feed: str
    status: str
    first_seen: date
    last_seen: date
    venues: list[str]
    details: dict[str, str]


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


class Verdict(Answer):
    """Whether a text is an ISIN, and if not, why."""

    isin: str
    valid: bool
    reason: str | None
    expected_check_digit: int | None


class Found(Answer):
    """Something of the shape of an ISIN in a text."""

    isin: str
    offset: int
    valid: bool
    known: bool


@dataclass(frozen=True)
class Isins:
    """Look securities up, and check texts."""

    calls: Calls

    async def one(self, isin: str) -> Isin:
        """One security."""
        return read(Isin, await self.calls.send("GET", f"/isins/{isin}"))

    async def search(self, query: Values) -> Listed[Isin]:
        """Securities in the order of their ISINs."""
        return read(Listed[Isin], await self.calls.send("GET", "/isins", params=given(query)))

    async def validate(self, texts: Sequence[str]) -> list[Verdict]:
        """A verdict on each text."""
        return read(Listed[Verdict], await self.calls.send("POST", "/isins/validate", json={"isins": texts})).items

    async def extract(self, text: str) -> list[Found]:
        """Everything in ``text`` that has the shape of an ISIN and stands alone."""
        content = Content("text/plain; charset=utf-8", text.encode())
        return read(Listed[Found], await self.calls.send("POST", "/isins/extract", content=content)).items
