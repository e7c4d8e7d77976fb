"""What somebody is woken for: how long people wait for a decision, and whether the ledger holds."""

import asyncio
import time
from datetime import timedelta

from prometheus_client import CollectorRegistry, Gauge

from rewards_service.repositories.ledger import LedgerRepository
from rewards_service.repositories.queue import QueueRepository
from rewards_service.repositories.seals import SealRepository
from servicekit.db import Database

COUNTS = frozenset({"transactions", "entries"})  # all else that `LedgerRepository.verify` finds has to be 0
PATIENCE_SECONDS = 5.0  # a scrape has ten
LOOK_LIMIT = timedelta(minutes=10)


class QueueWatch:
    """The review queue."""

    def __init__(self, database: Database, registry: CollectorRegistry) -> None:
        self._database = database
        self._waiting = Gauge("rewards_reviews_waiting", "Proofs without a decision", registry=registry)
        self._oldest = Gauge("rewards_reviews_oldest_seconds", "The longest wait among them", registry=registry)

    async def measure(self) -> None:
        """Look now."""
        async with self._database.transaction() as session:
            waiting, oldest = await QueueRepository(session).length()
        self._waiting.set(waiting)
        self._oldest.set(oldest)


class LedgerWatch:
    """The ledger's promises (L1 to L8). All of it is read for that, so it is asked only every so many seconds.

    The chain of seals is not walked here: `rewards verify-ledger` does, on a machine that has the time.
    """

    def __init__(self, database: Database, registry: CollectorRegistry, every_seconds: float) -> None:
        self._database = database
        self._every_seconds = every_seconds
        self._verified = -every_seconds
        self._look: asyncio.Task[None] | None = None
        self._faults = Gauge("rewards_ledger_faults", "0, each, in a ledger that holds", ["check"], registry=registry)
        self._lines = Gauge("rewards_ledger_lines", "Transactions and entries", ["kind"], registry=registry)
        self._at = Gauge("rewards_ledger_verified_timestamp_seconds", "When it was looked at", registry=registry)
        self._unsealed = Gauge("rewards_ledger_unsealed_seconds", "Age of what waits for its seal", registry=registry)

    async def measure(self) -> None:
        """Look now; at the ledger itself when it is time, and a large one is told of with a later scrape."""
        async with self._database.transaction() as session:
            self._unsealed.set(await SealRepository(session).oldest_unsealed())
        if self._look is None and time.monotonic() - self._verified >= self._every_seconds:
            self._look = asyncio.create_task(self._verify())
        if (look := self._look) is not None:
            await asyncio.wait({look}, timeout=PATIENCE_SECONDS)
            if look.done():
                self._look = None if self._look is look else self._look  # another scrape may have begun the next
                look.result()

    async def _verify(self) -> None:
        async with self._database.transaction() as session:
            ledger = LedgerRepository(session)
            await ledger.take_time(LOOK_LIMIT)
            found = await ledger.verify()
        for name, value in found.items():
            (self._lines if name in COUNTS else self._faults).labels(name).set(value)
        self._verified = time.monotonic()
        self._at.set_to_current_time()
