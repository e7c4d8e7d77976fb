"""ISINs in searches and in texts."""

import asyncio
from collections.abc import Sequence

import msgspec

from extractor import find, is_valid_isin
from isin_worker import check_digits
from isin_worker.isin import Reason, fault_of
from isin_worker.repositories.listings import Filters, ListingRepository
from isin_worker.schemas import FoundOut
from isin_worker.services.instruments import Instrument, InstrumentService


class Verdict(msgspec.Struct):
    """``VerdictOut``, as it is answered: made without a look at its fields, as there may be ten thousand."""

    isin: str
    valid: bool
    reason: Reason | None
    expected_check_digit: int | None


class IsinService:
    """Searches the published lists, and finds in texts what is on them."""

    def __init__(self, listings: ListingRepository, instruments: InstrumentService) -> None:
        self._listings = listings
        self._instruments = instruments

    async def search(self, filters: Filters, *, after: str | None, limit: int) -> tuple[list[Instrument], bool]:
        """A page of ISINs, and whether there are more behind it."""
        isins = await self._listings.page(filters, after=after, limit=limit + 1)
        return await self._instruments.describe(isins[:limit]), len(isins) > limit

    async def extract(self, text: str) -> list[FoundOut]:
        """Everything in ``text`` of the shape of an ISIN, in order."""
        found = await asyncio.to_thread(_found, text)
        known = await self._listings.known({isin for _, isin, valid in found if valid})
        return [FoundOut(isin=isin, offset=offset, valid=valid, known=isin in known) for offset, isin, valid in found]


def judge(isins: Sequence[str]) -> list[Verdict]:
    """A verdict for each text, in order. All are looked up at once; only what is no ISIN is looked at one by one."""
    valid = check_digits.valid(isins).tolist() if isins else []
    return [
        Verdict(isin, True, None, int(isin[-1])) if right else _refusal(isin)
        for isin, right in zip(isins, valid, strict=True)
    ]


def _refusal(isin: str) -> Verdict:
    fault = fault_of(isin)
    return Verdict(isin, False, fault.reason, fault.expected_check_digit)


def _found(text: str) -> list[tuple[int, str, bool]]:
    return [(match.offset, match.value, is_valid_isin(match.value)) for match in find("isin", text)]
