"""Deletes what has expired, every few minutes."""

import asyncio

from auth_service.repositories.expired import ExpiredRepository
from servicekit.db import Database
from servicekit.logs import get_logger

INTERVAL_SECONDS = 600.0

log = get_logger(__name__)


class Housekeeping:
    """Keeps the tables small."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self) -> None:
        """Tidy up for ever."""
        while True:
            try:
                await self.tidy()
            except Exception as error:  # noqa: BLE001 - the database may be away; the next round tries again
                log.warning("housekeeping.failed", error=type(error).__name__)
            await asyncio.sleep(INTERVAL_SECONDS)

    async def tidy(self) -> None:
        """Tidy up once."""
        async with self._database.transaction() as session:
            given_up = await ExpiredRepository(session).delete()
        if given_up:
            log.error("mail.given_up", mails=given_up)
