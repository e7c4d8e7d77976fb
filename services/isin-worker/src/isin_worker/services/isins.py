"""ISINs in searches and in texts."""

import asyncio
from collections.abc import Sequence

from extractor import find, is_valid_isin
from isin_worker import check_digits
from isin_worker.isin import fault_of
from isin_worker.repositories.listings import Filters, ListingRepository
from isin_worker.schemas import FoundOut, VerdictOut
from isin_worker.services.instruments import Instrument, InstrumentService


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


def judge(isins: Sequence[str]) -> list[VerdictOut]:
    """A verdict for each text, in order. All are looked up at once; only what is no ISIN is looked at one by one."""
    valid = check_digits.valid(isins).tolist() if isins else []
    return [
        VerdictOut.model_construct(isin=isin, valid=True, reason=None, expected_check_digit=int(isin[-1]))
        if right
        else _refusal(isin)
        for isin, right in zip(isins, valid, strict=True)
    ]


def _refusal(isin: str) -> VerdictOut:
    fault = fault_of(isin)
    return VerdictOut(isin=isin, valid=False, reason=fault.reason, expected_check_digit=fault.expected_check_digit)


def _found(text: str) -> list[tuple[int, str, bool]]:
    return [(match.offset, match.value, is_valid_isin(match.value)) for match in find("isin", text)]
