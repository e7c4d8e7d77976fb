"""Sessions that ended before their access tokens did: those tokens must stop working everywhere within a second.

Auth keeps the list and serves it as a feed of numbered entries. Every process asks twice a second for what is new and
holds the list in memory, so a request costs one look into a dictionary. While auth is away, what is known stays
refused and tokens that check out are let through: at most for their own life, as nobody can refresh them.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from uuid import UUID

import httpx

from servicekit.logs import get_logger
from servicekit.schemas import Output

POLL_SECONDS = 0.5
ANSWER_SECONDS = 2.0

log = get_logger(__name__)


class Revocation(Output):
    """A session whose tokens are refused until ``expires_at``, when the last of them has expired by itself."""

    session_id: UUID
    expires_at: datetime


class RevocationPage(Output):
    """What was revoked after the number that was asked for; ask for what comes after ``last`` the next time."""

    items: list[Revocation]
    last: int


Feed = Callable[[int], Awaitable[RevocationPage]]


class Revocations:
    """The sessions whose access tokens are refused, as far as this process knows."""

    def __init__(self) -> None:
        self._until: dict[UUID, float] = {}

    def __contains__(self, session_id: object) -> bool:
        return session_id in self._until

    def add(self, session_id: UUID, expires_at: datetime) -> None:
        """Refuse the session's tokens from now on."""
        self._until[session_id] = expires_at.timestamp()

    def forget_expired(self) -> None:
        """Drop the sessions whose tokens have all expired."""
        now = time.time()
        self._until = {session_id: until for session_id, until in self._until.items() if until > now}


class Follower:
    """Keeps ``revocations`` up to date with a feed."""

    def __init__(self, revocations: Revocations, feed: Feed) -> None:
        self._revocations = revocations
        self._feed = feed
        self._since = 0
        self._failing = False

    async def poll(self) -> None:
        """Ask once. A failure is logged when it begins, not each time."""
        try:
            page = await self._feed(self._since)
        except Exception as error:  # noqa: BLE001 - whatever is wrong, the known ones stay and the next poll tries again
            if not self._failing:
                log.warning("revocations.unreachable", error=type(error).__name__)
            self._failing = True
            self._since = 0  # auth may come back from a backup, with smaller numbers
            return
        if self._failing:
            log.info("revocations.reachable")
        self._failing = False
        self._since = page.last
        for item in page.items:
            self._revocations.add(item.session_id, item.expires_at)
        self._revocations.forget_expired()

    async def run(self) -> None:
        """Ask for ever."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            await self.poll()


@asynccontextmanager
async def following(revocations: Revocations, feed: Feed) -> AsyncIterator[None]:
    """Follow ``feed`` in the background. It is asked once before the first request is served."""
    follower = Follower(revocations, feed)
    await follower.poll()
    task = asyncio.create_task(follower.run(), name="revocations")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def http_feed(client: httpx.AsyncClient, url: str) -> Feed:
    """The feed that auth serves at ``url``."""

    async def feed(since: int) -> RevocationPage:
        response = await client.get(url, params={"since": since}, timeout=ANSWER_SECONDS)
        return RevocationPage.model_validate_json(response.raise_for_status().content)

    return feed
