"""What a feed declares: where a list is, when it is due, and what its columns mean."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time

from isin_worker.feeds.gate_limits import GateLimits

READER_VERSION = 1
"""Raised when the reader changes what it makes of the same bytes, so that an unchanged list is read again."""

MEBIBYTE = 1024 * 1024
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One published list.

    ``columns`` and ``details`` say under which header a field is found; headers are compared without surrounding blanks
    and without regard to case, and each one is required. ``columns`` has ``isin`` and may have ``name``, ``type``,
    ``currency`` and ``lei``; ``constants`` are such fields with one value for the whole list. ``details`` are fields
    that only this feed has.

    It is due on each of its ``weekdays`` (0 is Monday), and held back by its ``gates``. ``backfill_days`` is how many
    past days can be fetched: 0 for a publisher who shows only today's list.
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
    weekdays: frozenset[int] = frozenset(range(7))
    gates: GateLimits = GateLimits()

    @property
    def schedule(self) -> str:
        """When the list is due, for people."""
        days = "daily" if len(self.weekdays) == len(_DAYS) else ", ".join(_DAYS[day] for day in sorted(self.weekdays))
        return f"{days} {self.due_at:%H:%M} UTC"

    @property
    def fingerprint(self) -> str:
        """Changes when the same bytes would give other rows."""
        meaning = (READER_VERSION, sorted(self.columns.items()), sorted(self.details.items()))
        return hashlib.sha256(repr((*meaning, sorted(self.constants.items()))).encode()).hexdigest()[:16]
