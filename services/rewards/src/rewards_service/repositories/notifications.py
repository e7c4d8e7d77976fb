"""Postgres says whose events there are, to every replica of the service, over one connection of each process."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import asyncpg

from servicekit.logs import get_logger
from servicekit.settings import DatabaseSettings

CHANNEL = "event"
CONNECT_SECONDS = 5
RETRY_SECONDS = 1

log = get_logger(__name__)


@asynccontextmanager
async def following(
    settings: DatabaseSettings, on_event: Callable[[UUID], None], on_gap: Callable[[], None]
) -> AsyncIterator[None]:
    """Call ``on_event`` with a person's id when they have a new event, in the background.

    A notification is a hint, never the event itself: those that nobody heard, while there was no connection, are lost.
    So ``on_gap`` is called whenever it is there again.
    """
    url = settings.database_url.get_secret_value()
    task = asyncio.create_task(_follow(url, on_event, on_gap), name="notifications")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _follow(url: str, on_event: Callable[[UUID], None], on_gap: Callable[[], None]) -> None:
    while True:
        try:
            await _listen(url, on_event, on_gap)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("notifications.failed", error=type(error).__name__)
        await asyncio.sleep(RETRY_SECONDS)


async def _listen(url: str, on_event: Callable[[UUID], None], on_gap: Callable[[], None]) -> None:
    lost = asyncio.Event()

    def heard(_connection: object, _process: int, _channel: str, user_id: object) -> None:
        on_event(UUID(str(user_id)))

    server = {"application_name": "Rewards notifications"}
    connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS, server_settings=server)
    try:
        connection.add_termination_listener(lambda _: lost.set())
        await connection.add_listener(CHANNEL, heard)
        on_gap()
        await lost.wait()
        log.warning("notifications.lost")
    finally:
        connection.terminate()
