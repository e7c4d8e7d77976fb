"""Reading what the lists say."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Text, and_, exists, false, func, literal, literal_column, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from isin_worker.models import Listing

# The same words as in the index ix_listing_words, or it is of no use.
_WORDS: ColumnElement[Any] = literal_column(
    "to_tsvector('simple', coalesce(listing.name, '') || ' ' || coalesce(listing.details ->> 'symbol', ''))"
)
_HAS_WORDS: ColumnElement[bool] = literal_column("(listing.name IS NOT NULL OR listing.details ? 'symbol')")
_ISIN_START = re.compile(r"[A-Za-z]{2}[A-Za-z0-9]{0,10}")


@dataclass(frozen=True, slots=True)
class Filters:
    """What is looked for; None matches everything."""

    q: str | None = None
    country: str | None = None
    feed: str | None = None
    type: str | None = None
    status: Literal["active", "removed"] | None = None


class ListingRepository:
    """Listings by ISIN."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def known(self, isins: Iterable[str]) -> set[str]:
        """Those of the ISINs that a list has or had."""
        # One array is one parameter, however many ISINs; IN would have one for each, and there may be 80,000.
        wanted = func.any(literal(list(isins), ARRAY(Text)))
        return set(await self._session.scalars(select(col(Listing.isin)).where(col(Listing.isin) == wanted).distinct()))

    async def page(self, filters: Filters, *, after: str | None, limit: int) -> list[str]:
        """ISINs in their order, from behind ``after`` on."""
        query = (
            select(col(Listing.isin)).where(*_conditions(filters)).distinct().order_by(col(Listing.isin)).limit(limit)
        )
        if after is not None:
            query = query.where(col(Listing.isin) > after)
        return list(await self._session.scalars(query))


def _conditions(filters: Filters) -> Iterable[ColumnElement[bool]]:
    if filters.q is not None:
        yield _matches(filters.q)
    if filters.country is not None:
        yield col(Listing.isin).startswith(filters.country, autoescape=True)
    if filters.feed is not None:
        yield col(Listing.feed) == filters.feed
    if filters.type is not None:
        yield col(Listing.type) == filters.type
    if filters.status is not None:
        stands = aliased(Listing)
        somewhere = exists().where(and_(col(stands.isin) == col(Listing.isin), col(stands.last_seen).is_(None)))
        yield somewhere if filters.status == "active" else ~somewhere


def _matches(q: str) -> ColumnElement[bool]:
    """The beginning of an ISIN, or the beginnings of words of the name or symbol, all of them."""
    conditions: list[ColumnElement[bool]] = []
    if _ISIN_START.fullmatch(q):
        conditions.append(col(Listing.isin).startswith(q.upper(), autoescape=True))
    if words := re.findall(r"\w+", q):
        query = func.to_tsquery("simple", " & ".join(f"'{word}':*" for word in words))
        conditions.append(and_(_HAS_WORDS, _WORDS.op("@@")(query)))
    return or_(*conditions) if conditions else false()
