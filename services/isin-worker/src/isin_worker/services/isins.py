"""What is known of ISINs."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import groupby

from extractor import find, is_valid_isin
from isin_worker.errors import NotAnIsin, UnknownIsin
from isin_worker.feeds import Feed
from isin_worker.isin import verdict
from isin_worker.models import Listing
from isin_worker.repositories.listings import Filters, ListingRepository
from isin_worker.repositories.publications import PublicationRepository
from isin_worker.schemas import FeedSighting, FoundOut, InstrumentOut, VerdictOut
from servicekit.problems import FieldProblem


class IsinService:
    """Looks ISINs up in the published lists, and judges those that people have."""

    def __init__(
        self, listings: ListingRepository, publications: PublicationRepository, feeds: Mapping[str, Feed]
    ) -> None:
        self._listings = listings
        self._publications = publications
        self._order = {name: place for place, name in enumerate(feeds)}

    async def get(self, isin: str) -> InstrumentOut:
        """What the lists say of an ISIN, in any case and with blanks around. Raises NotAnIsin and UnknownIsin."""
        isin = isin.strip().upper()
        if (fault := verdict(isin)) is not None:
            expected = (
                ""
                if fault.expected_check_digit is None
                else f"; the check digit of its first 11 characters is {fault.expected_check_digit}"
            )
            text = fault.text if fault.reason == "check-digit" else fault.text + expected
            raise NotAnIsin(
                f"{text[0].upper()}{text[1:]}.",
                errors=[FieldProblem(pointer="/path/isin", code=fault.reason, detail=text)],
            )
        found = await self._instruments([isin])
        if not found:
            raise UnknownIsin
        return found[0]

    async def search(self, filters: Filters, *, after: str | None, limit: int) -> tuple[list[InstrumentOut], bool]:
        """A page of ISINs, and whether there are more behind it."""
        isins = await self._listings.page(filters, after=after, limit=limit + 1)
        return await self._instruments(isins[:limit]), len(isins) > limit

    async def extract(self, text: str) -> list[FoundOut]:
        """Everything in ``text`` of the shape of an ISIN, in order."""
        found = await asyncio.to_thread(_found, text)
        known = await self._listings.known({isin for _, isin, valid in found if valid})
        return [FoundOut(isin=isin, offset=offset, valid=valid, known=isin in known) for offset, isin, valid in found]

    async def _instruments(self, isins: Sequence[str]) -> list[InstrumentOut]:
        if not isins:
            return []
        listings = await self._listings.of_isins(isins)
        published = await self._publications.dates()
        return [
            self._instrument(isin, list(same), published) for isin, same in groupby(listings, key=lambda one: one.isin)
        ]

    def _instrument(self, isin: str, listings: list[Listing], published: Mapping[str, date]) -> InstrumentOut:
        listings.sort(key=lambda one: self._order.get(one.feed, len(self._order)))
        by_weight = sorted(listings, key=lambda one: one.last_seen is not None)
        return InstrumentOut(
            isin=isin,
            valid=True,
            country=isin[:2],
            name=_first(one.name for one in by_weight),
            type=_first(one.type for one in by_weight),
            currency=_first(one.currency for one in by_weight),
            lei=_first(one.lei for one in by_weight),
            status="active" if by_weight[0].last_seen is None else "removed",
            feeds=[_sighting(one, published) for one in listings],
        )


def judge(isins: Iterable[str]) -> list[VerdictOut]:
    """A verdict for each text, in order."""
    verdicts = ((isin, verdict(isin)) for isin in isins)
    return [
        VerdictOut(
            isin=isin,
            valid=fault is None,
            reason=fault.reason if fault else None,
            expected_check_digit=fault.expected_check_digit if fault else int(isin[-1]),
        )
        for isin, fault in verdicts
    ]


def _found(text: str) -> list[tuple[int, str, bool]]:
    return [(match.offset, match.value, is_valid_isin(match.value)) for match in find("isin", text)]


def _sighting(listing: Listing, published: Mapping[str, date]) -> FeedSighting:
    return FeedSighting(
        feed=listing.feed,
        status="listed" if listing.last_seen is None else "removed",
        first_seen=listing.first_seen,
        last_seen=listing.last_seen or published[listing.feed],
        details=listing.details,
    )


def _first(values: Iterable[str | None]) -> str | None:
    return next((value for value in values if value is not None), None)
