"""One service, one Postgres database; one request, one transaction, committed before the answer leaves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, Request
from sqlalchemy import MetaData, event, text
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from servicekit.settings import DatabaseSettings

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
# A lost client or a forgotten transaction must never hold a lock for long.
SERVER_SETTINGS = {
    "timezone": "UTC",
    "statement_timeout": "15s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
}


def new_metadata() -> MetaData:
    """Metadata whose constraints have predictable names, so that migrations can speak of them."""
    return MetaData(naming_convention=NAMING)


def driver_url(url: str) -> str:
    """``postgresql://`` as SQLAlchemy wants it for asyncpg."""
    return url.replace("postgresql://", "postgresql+asyncpg://", 1)


class Database:
    """The connections of one process to its service's database."""

    def __init__(self, settings: DatabaseSettings, *, application_name: str) -> None:
        self.engine = create_async_engine(
            driver_url(settings.database_url.get_secret_value()),
            pool_size=settings.database_pool_size,
            max_overflow=0,
            pool_timeout=10,
            hide_parameters=True,  # an error's text goes to the log, and parameters are hashes, addresses and mails
            connect_args={"server_settings": {**SERVER_SETTINGS, "application_name": application_name}, "timeout": 5},
        )
        event.listen(self.engine.sync_engine, "checkout", _replace_if_closed)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session whose work is committed at the end, or rolled back on any exception."""
        async with self._sessions() as session, session.begin():
            yield session

    @asynccontextmanager
    async def statement(self) -> AsyncIterator[Any]:
        """An ``asyncpg.Connection``, lent by the pool, for a statement that is a transaction by itself.

        For what is called so often that a session's work beside it counts. It commits as soon as it has succeeded.
        """
        async with self.engine.connect() as connection:
            yield (await connection.get_raw_connection()).driver_connection

    async def ping(self) -> None:
        """Raise when the database does not answer."""
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Give all connections back."""
        await self.engine.dispose()


def _replace_if_closed(connection: Any, *_: object) -> None:
    """After a restart of Postgres the first request must not be the one that fails.

    The driver notices at once that its connection was closed, so there is no need to ask the server each time.
    """
    if connection.driver_connection.is_closed():
        raise DisconnectionError


async def _request_session(request: Request) -> AsyncIterator[AsyncSession]:
    database: Database = request.app.state.database
    async with database.transaction() as session:
        yield session


# Function scope: the commit happens before the answer is sent, so a failed commit is a 500 and never a false 201.
Session = Annotated[AsyncSession, Depends(_request_session, scope="function")]
