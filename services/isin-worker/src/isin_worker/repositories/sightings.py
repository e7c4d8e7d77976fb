"""What the lists say of given ISINs: the read that matters most, in one statement without a session."""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple, cast

_SIGHTINGS = """
SELECT isin, feed, venue, name, type, currency, lei, details::text, first_seen, listing.last_seen,
    publication.business_date
FROM listing JOIN publication USING (feed)
WHERE {condition}
ORDER BY isin, feed, venue
"""
_OF_ISIN = _SIGHTINGS.format(condition="isin = $1")
_OF_ISINS = _SIGHTINGS.format(condition="isin = ANY($1::text[])")


class Sighting(NamedTuple):
    """An ISIN on a list, at a venue; ``last_seen`` is null while it stands there, ``details`` are JSON."""

    isin: str
    feed: str
    venue: str
    name: str | None
    type: str | None
    currency: str | None
    lei: str | None
    details: str
    first_seen: date
    last_seen: date | None
    published: date


class SightingRepository:
    """Listings of ISINs, beside the dates of the lists."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def of_isin(self, isin: str) -> list[Sighting]:
        """Every listing of this ISIN, ordered by feed and venue."""
        return cast("list[Sighting]", await self._pool.fetch(_OF_ISIN, isin))

    async def of_isins(self, isins: Sequence[str]) -> list[Sighting]:
        """Every listing of these ISINs, ordered by ISIN, feed and venue."""
        return cast("list[Sighting]", await self._pool.fetch(_OF_ISINS, isins))
