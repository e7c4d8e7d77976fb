"""What feeds there are, as declarations: where a list is, when it is due, and what its columns mean."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import time

READER_VERSION = 1
"""Raised when the reader changes what it makes of the same bytes, so that an unchanged list is read again."""

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One published list.

    ``columns`` and ``details`` say under which header a field is found; headers are compared without surrounding blanks
    and without regard to case, and each one is required. ``columns`` has ``isin`` and may have ``name``, ``type``,
    ``currency`` and ``lei``; ``constants`` are such fields with one value for the whole list. ``details`` are fields
    that only this feed has.

    ``backfill_days`` is how many past business dates can be fetched: 0 for a publisher who shows only today's list.
    """

    name: str
    title: str
    url: str
    due_at: time  # in UTC
    columns: Mapping[str, str]
    details: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    backfill_days: int = 0
    max_bytes: int = 16 * MEBIBYTE

    @property
    def schedule(self) -> str:
        """When the list is due, for people."""
        return f"daily {self.due_at:%H:%M} UTC"

    @property
    def fingerprint(self) -> str:
        """Changes when the same bytes would give other rows."""
        meaning = (READER_VERSION, sorted(self.columns.items()), sorted(self.details.items()))
        return hashlib.sha256(repr((*meaning, sorted(self.constants.items()))).encode()).hexdigest()[:16]


NSE_EQUITY = Feed(
    name="nse-equity",
    title="NSE India, listed equities",
    url="https://nsearchives.nseindia.com/content/equities/EQUITY_L.csv",
    due_at=time(2, 0),  # half past seven in Mumbai, before the market opens
    columns={"isin": "ISIN NUMBER", "name": "NAME OF COMPANY"},
    details={"symbol": "SYMBOL", "series": "SERIES"},
    constants={"type": "equity", "currency": "INR"},
    # Its servers answer browsers that come from its own pages, and nobody else.
    headers={
        "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "Accept": "text/csv,*/*;q=0.8",
        "Referer": "https://www.nseindia.com/",
    },
)

BUILT_IN: Mapping[str, Feed] = {feed.name: feed for feed in (NSE_EQUITY,)}


def with_urls(urls: Mapping[str, str]) -> Mapping[str, Feed]:
    """The built-in feeds, some of them at other addresses."""
    return {name: replace(feed, url=urls.get(name, feed.url)) for name, feed in BUILT_IN.items()}
