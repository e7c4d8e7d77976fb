"""The connections to one upstream: kept alive, bounded, the last used first."""

import asyncio
import time
from typing import Final
from urllib.parse import urlsplit

from gateway.connection import Connection
from gateway.errors import UpstreamUnavailable
from gateway.settings import Settings
from servicekit.problems import BadGateway, GatewayTimeout

KEEP_SECONDS: Final = 60.0  # less than the 75 s after which the services close
FETCH_BYTES: Final = 8 * 1024 * 1024


class Upstream:
    """Where a service listens, and the connections to it."""

    def __init__(self, name: str, url: str, settings: Settings) -> None:
        address = urlsplit(url)
        self.name = name
        self._host = address.hostname or ""
        self._port = address.port or 80
        self._settings = settings
        self._all: set[Connection] = set()
        self._idle: list[Connection] = []
        self._connecting = 0

    async def acquire(self, *, fresh: bool = False) -> Connection:
        """A connection for one exchange; ``fresh``: certainly a new one.

        Raises:
            UpstreamUnavailable: nobody listens, or all connections are in use.
            GatewayTimeout: not connected in time.
        """
        while self._idle and not fresh:
            connection = self._idle.pop()
            if connection.reusable and time.monotonic() - connection.idle_since < KEEP_SECONDS:
                return connection
            self.discard(connection)
        if len(self._all) + self._connecting >= self._settings.upstream_connections:
            if not self._idle:
                raise UpstreamUnavailable("All connections to the service are in use.", retry_after=1)
            self.discard(self._idle[0])
        return await self._connect()

    def release(self, connection: Connection) -> None:
        """The exchange is over, well or badly."""
        if connection.reusable:
            connection.idle_since = time.monotonic()
            self._idle.append(connection)
        else:
            self.discard(connection)

    def discard(self, connection: Connection) -> None:
        """Close a connection and forget it; also called when it was lost by itself."""
        self._all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        connection.close()

    async def fetch(self, path: str, seconds: float) -> tuple[int, bytes]:
        """Ask for something of moderate size on the gateway's own account. Returns the status and the body.

        Raises:
            BadGateway, UpstreamUnavailable, GatewayTimeout: no answer of use within the time.
        """
        head = f"GET {path} HTTP/1.1\r\nhost: {self._host}:{self._port}\r\naccept: application/json\r\n\r\n"
        try:
            async with asyncio.timeout(seconds):
                connection = await self.acquire(fresh=True)
                try:
                    connection.begin(bodiless=False)
                    connection.write(head.encode("ascii"))
                    return await _whole_answer(connection)
                finally:
                    self.release(connection)
        except TimeoutError as error:
            raise GatewayTimeout from error

    def close(self) -> None:
        """Cut all connections."""
        for connection in tuple(self._all):
            self.discard(connection)

    async def _connect(self) -> Connection:
        def new() -> Connection:
            return Connection(self._settings.idle_seconds, self.discard)

        self._connecting += 1
        try:
            async with asyncio.timeout(self._settings.connect_seconds):
                _, connection = await asyncio.get_running_loop().create_connection(new, self._host, self._port)
        except TimeoutError as error:
            raise GatewayTimeout from error
        except OSError as error:
            raise UpstreamUnavailable(retry_after=1) from error
        finally:
            self._connecting -= 1
        self._all.add(connection)
        return connection


async def _whole_answer(connection: Connection) -> tuple[int, bytes]:
    status, _ = await connection.head()
    body, more = b"", True
    while more:
        data, more = await connection.piece()
        body += data
        if len(body) > FETCH_BYTES:
            raise BadGateway
    return status, body
