"""What the lists say of an ISIN, put together."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import groupby

import msgspec

from isin_worker.errors import NotAnIsin, UnknownIsin
from isin_worker.feeds import Feed
from isin_worker.isin import verdict
from isin_worker.repositories.sightings import Sighting, SightingRepository
from servicekit.problems import FieldProblem


class OnFeed(msgspec.Struct):
    """``FeedSighting``, as it is answered: made without a look at each of its fields, which come from our tables."""

    feed: str
    status: str
    first_seen: date
    last_seen: date
    venues: list[str]
    details: msgspec.Raw


class Instrument(msgspec.Struct):
    """``InstrumentOut``, in the same way."""

    isin: str
    valid: bool
    country: str
    name: str | None
    type: str | None
    currency: str | None
    lei: str | None
    status: str
    feeds: list[OnFeed]


class InstrumentService:
    """Describes ISINs by what the published lists say of them."""

    def __init__(self, sightings: SightingRepository, feeds: Mapping[str, Feed]) -> None:
        self._sightings = sightings
        self._order = {name: place for place, name in enumerate(feeds)}

    async def get(self, isin: str) -> Instrument:
        """What the lists say of an ISIN, in any case and with blanks around. Raises NotAnIsin and UnknownIsin."""
        isin = isin.strip().upper()
        _require_isin(isin)
        sightings = await self._sightings.of_isin(isin)
        if not sightings:
            raise UnknownIsin
        return self._instrument(isin, sightings)

    async def describe(self, isins: Sequence[str]) -> list[Instrument]:
        """What the lists say of these ISINs, ordered by ISIN; those that none has are left out."""
        if not isins:
            return []
        sightings = await self._sightings.of_isins(isins)
        return [self._instrument(isin, list(same)) for isin, same in groupby(sightings, key=lambda one: one[0])]

    def _instrument(self, isin: str, sightings: Sequence[Sighting]) -> Instrument:
        ordered = [Sighting(*one) for one in sightings]
        ordered.sort(key=lambda one: self._order.get(one.feed, len(self._order)))
        by_weight = sorted(ordered, key=lambda one: one.last_seen is not None)
        return Instrument(
            isin=isin,
            valid=True,
            country=isin[:2],
            name=_first(one.name for one in by_weight),
            type=_first(one.type for one in by_weight),
            currency=_first(one.currency for one in by_weight),
            lei=_first(one.lei for one in by_weight),
            status="active" if by_weight[0].last_seen is None else "removed",
            feeds=[_on_feed(feed, list(same)) for feed, same in groupby(ordered, key=lambda one: one.feed)],
        )


def _on_feed(feed: str, sightings: list[Sighting]) -> OnFeed:
    """One list's word: of several venues, those that still have it go first."""
    standing = [one for one in sightings if one.last_seen is None]
    counted = standing or sightings
    return OnFeed(
        feed=feed,
        status="listed" if standing else "removed",
        first_seen=min(one.first_seen for one in sightings),
        last_seen=max(one.last_seen or one.published for one in counted),
        venues=[one.venue for one in counted if one.venue],
        details=msgspec.Raw(counted[0].details),
    )


def _require_isin(isin: str) -> None:
    fault = verdict(isin)
    if fault is None:
        return
    text = fault.text
    if fault.reason != "check-digit" and fault.expected_check_digit is not None:
        text += f"; the check digit of its first 11 characters is {fault.expected_check_digit}"
    raise NotAnIsin(
        f"{text[0].upper()}{text[1:]}.", errors=[FieldProblem(pointer="/path/isin", code=fault.reason, detail=text)]
    )


def _first(values: Iterable[str | None]) -> str | None:
    return next((value for value in values if value is not None), None)
