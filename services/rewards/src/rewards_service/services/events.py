"""A person's events as a stream of server-sent events (WHATWG HTML, section 9.2), from any of them on."""

import time
from collections.abc import AsyncIterator, Container, Iterator
from contextlib import contextmanager
from uuid import UUID

from rewards_service.models import Task, UserEvent
from rewards_service.repositories.events import EventRepository
from rewards_service.schemas.points import PointsOut
from rewards_service.schemas.tasks import TaskOut
from rewards_service.services.listeners import Listener, Listeners
from rewards_service.services.points import PointsService
from servicekit.db import Database
from servicekit.logs import get_logger
from servicekit.outages import DATABASE_ERRORS
from servicekit.tokens import Principal

CHECK_SECONDS = 1.0  # a sign-out ends the stream within it
HEARTBEAT_SECONDS = 15.0  # less than any proxy's patience
RECONNECT_MS = 3000
BATCH = 100

log = get_logger(__name__)


class EventService:
    """Streams. No connection to the database is held between two reads."""

    def __init__(
        self, database: Database, points: PointsService, listeners: Listeners, revoked: Container[UUID]
    ) -> None:
        self._database = database
        self._points = points
        self._listeners = listeners
        self._revoked = revoked

    @contextmanager
    def stream(self, principal: Principal, after: int | None) -> Iterator[AsyncIterator[bytes]]:
        """What to send: the events after this one, or from now on, as long as the caller's token is good.

        Raises:
            TooManyStreams, Unavailable: see `Listeners.listening`.
        """
        with self._listeners.listening(principal.user_id) as listener:
            yield self._frames(listener, principal, after)

    async def _frames(self, listener: Listener, principal: Principal, after: int | None) -> AsyncIterator[bytes]:
        last, opening = await self._start(principal.user_id, after)
        yield opening
        listener.wake()  # for what came between the start and now, or was missed before
        sent = time.monotonic()
        while not listener.ended and self._is_good(principal):
            woken = await listener.woken(CHECK_SECONDS)
            due = time.monotonic() - sent >= HEARTBEAT_SECONDS  # then look anyway: a notification may be lost
            if not (woken or due) or not self._is_good(principal):
                continue
            try:
                frames = await self._read(principal.user_id, last)
            except DATABASE_ERRORS as error:
                log.warning("events.cut", error=type(error).__name__)
                return  # the client comes again with the number of its last event
            for last, frame in frames:  # noqa: B007 - the number is where the next read starts
                yield frame
            if due and not frames:
                yield b": still here\n\n"
            if due or frames:
                sent = time.monotonic()
            if len(frames) == BATCH:
                listener.wake()

    def _is_good(self, principal: Principal) -> bool:
        return principal.expires_at > time.time() and principal.session_id not in self._revoked

    async def _start(self, user_id: UUID, after: int | None) -> tuple[int, bytes]:
        """Where to begin, and what to say first: from where a client that is cut off before any event goes on."""
        async with self._database.transaction() as session:
            events = EventRepository(session)
            if after is not None and (after == 0 or await events.is_kept(user_id, after)):
                return after, _frame(retry=RECONNECT_MS)
            newest = await events.newest(user_id)
        if after is None:
            return newest, _frame(retry=RECONNECT_MS, id=newest)
        # The event is too old to be kept, and so may be others that followed it.
        return newest, _frame(retry=RECONNECT_MS, id=newest, event="reset", data="{}")

    async def _read(self, user_id: UUID, after: int) -> list[tuple[int, bytes]]:
        async with self._database.transaction() as session:
            events = await EventRepository(session).after(user_id, after, BATCH)
        points = None
        if any(event.kind == "points.updated" for event in events):
            points = await self._points.points(user_id)
        return [(event.id, _frame(id=event.id, event=event.kind, data=_data(event, points))) for event in events]


def _data(event: UserEvent, points: PointsOut | None) -> str:
    """The task as it was when the event happened; points as they are now."""
    if points is not None and event.kind == "points.updated":
        return points.model_dump_json()
    return TaskOut.model_validate(Task(**event.data)).model_dump_json()


def _frame(**fields: object) -> bytes:
    return ("".join(f"{name}: {value}\n" for name, value in fields.items()) + "\n").encode()
