"""The open event streams of this process: how many there may be, and how they are woken."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from rewards_service.errors import TooManyStreams
from servicekit.problems import Unavailable

MOST_OF_A_PERSON = 5


class Listener:
    """One open stream."""

    def __init__(self) -> None:
        self._bell = asyncio.Event()
        self.ended = False

    def wake(self) -> None:
        """Let `woken` return."""
        self._bell.set()

    async def woken(self, seconds: float) -> bool:
        """Wait until somebody wakes us, but no longer than that. Whether somebody did."""
        try:
            async with asyncio.timeout(seconds):
                await self._bell.wait()
        except TimeoutError:
            return False
        self._bell.clear()
        return True


class Listeners:
    """All of them, by person."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._of: defaultdict[UUID, set[Listener]] = defaultdict(set)
        self._count = 0
        self._closed = False

    @contextmanager
    def listening(self, user_id: UUID) -> Iterator[Listener]:
        """One more stream of this person.

        Raises:
            TooManyStreams: they have enough.
            Unavailable: the process has enough, or is about to stop.
        """
        if self._closed or self._count >= self._most:
            raise Unavailable("No more streams of events can be opened here at the moment.", retry_after=5)
        if len(self._of[user_id]) >= MOST_OF_A_PERSON:
            raise TooManyStreams(retry_after=5)
        listener = Listener()
        self._of[user_id].add(listener)
        self._count += 1
        try:
            yield listener
        finally:
            self._count -= 1
            self._of[user_id].remove(listener)
            if not self._of[user_id]:
                del self._of[user_id]

    def wake(self, user_id: UUID) -> None:
        """This person has a new event."""
        for listener in self._of.get(user_id, ()):
            listener.wake()

    def wake_all(self) -> None:
        """Anybody may have a new event."""
        for user_id in self._of:
            self.wake(user_id)

    def close(self) -> None:
        """End all streams: the process stops."""
        self._closed = True
        for listeners in self._of.values():
            for listener in listeners:
                listener.ended = True
                listener.wake()
