"""What a feed declares: where a list is, when it is due, and what its columns mean."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from urllib.parse import urlsplit

from isin_worker.feeds.formats import Csv, Format
from isin_worker.feeds.gate_limits import GateLimits
from isin_worker.feeds.source import FixedUrl, Source

READER_VERSION = 2
"""Raised when the reader changes what it makes of the same bytes, so that an unchanged list is read again."""

MEBIBYTE = 1024 * 1024
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
"""For publishers whose servers answer nobody else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One published list.

    ``columns`` and ``details`` say under which header a field is found; headers are compared without surrounding blanks
    and without regard to case, and each one is required. ``columns`` has ``isin`` and may have ``name``, ``type``,
    ``currency`` and ``lei``; ``constants`` are such fields with one value for the whole list. ``details`` are fields
    that only this feed has. A row may have further ISINs, under ``more_isins``.

    ``source`` finds the files when ``url`` is not the list itself; these, and redirects, may lead to ``hosts`` too.
    ``max_bytes`` is the most that one file may have; what is packed in it may have ``max_unpacked``.

    It is due on each of its ``weekdays`` (0 is Monday), and held back by its ``gates``. ``backfill_days`` is how many
    past days can be fetched: 0 for a publisher who shows only today's list. ``terms`` is where the publisher says what
    may be done with the list.
    """

    name: str
    title: str
    url: str
    due_at: time  # in UTC
    columns: Mapping[str, str]
    terms: str | None = None
    source: Source = FixedUrl()
    hosts: frozenset[str] = frozenset()
    format: Format = Csv()
    more_isins: tuple[str, ...] = ()
    details: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    placeholders: frozenset[str] = frozenset()
    headers: Mapping[str, str] = field(default_factory=dict)
    backfill_days: int = 0
    max_bytes: int = 16 * MEBIBYTE
    max_unpacked: int = 128 * MEBIBYTE
    weekdays: frozenset[int] = frozenset(range(7))
    gates: GateLimits = GateLimits()

    @property
    def schedule(self) -> str:
        """When the list is due, for people."""
        days = "daily" if len(self.weekdays) == len(_DAYS) else ", ".join(_DAYS[day] for day in sorted(self.weekdays))
        return f"{days} {self.due_at:%H:%M} UTC"

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """Where its files may be."""
        return self.hosts | {urlsplit(self.url).hostname or ""}

    @property
    def fingerprint(self) -> str:
        """Changes when the same bytes would give other rows."""
        mappings = [sorted(mapping.items()) for mapping in (self.columns, self.details, self.constants)]
        meaning = (READER_VERSION, self.format, self.more_isins, sorted(self.placeholders), *mappings)
        return hashlib.sha256(repr(meaning).encode()).hexdigest()[:16]
