"""One address of a service: its kept connections, and the breaker that leaves it alone while it fails.

After FAILURES in a row it gets no requests. From then on it is asked by the gateway itself whether it lives, and the
first answer closes the breaker: no request of a client is spent on finding out.
"""

import asyncio
import time
from typing import Final
from urllib.parse import urlsplit

from gateway.connection import Connection
from gateway.errors import UpstreamUnavailable
from gateway.settings import Settings
from servicekit.logs import get_logger
from servicekit.problems import DomainError, GatewayTimeout

KEEP_SECONDS: Final = 60.0  # less than the 75 s after which the services close
FAILURES: Final = 5
PROBE_EVERY_SECONDS: Final = 0.1
PROBE_SECONDS: Final = 1.0
_PROBE: Final = "GET /healthz HTTP/1.1\r\nhost: {host}:{port}\r\nconnection: close\r\n\r\n"

log = get_logger(__name__)


class Address:
    """Where one process of a service listens."""

    def __init__(self, url: str, settings: Settings) -> None:
        parts = urlsplit(url)
        self.host = parts.hostname or ""
        self.port = parts.port or 80
        self._connect_seconds = settings.connect_seconds
        self._all: set[Connection] = set()
        self._idle: list[Connection] = []
        self._failures = 0
        self._probing: asyncio.Task[None] | None = None
        self.works = True

    @property
    def busy(self) -> int:
        """How many exchanges it has at the moment."""
        return len(self._all) - len(self._idle)

    def kept(self) -> Connection | None:
        """A kept connection, the last used first; None when there is none."""
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable and time.monotonic() - connection.idle_since < KEEP_SECONDS:
                return connection
            self._discard(connection)
        return None

    async def connect(self) -> Connection:
        """A new connection.

        Raises:
            UpstreamUnavailable: nobody listens.
            GatewayTimeout: not connected in time.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._connect_seconds):
                _, connection = await loop.create_connection(lambda: Connection(self._lost), self.host, self.port)
        except TimeoutError as error:
            raise GatewayTimeout from error
        except OSError as error:
            raise UpstreamUnavailable(retry_after=1) from error
        self._all.add(connection)
        return connection

    def release(self, connection: Connection) -> None:
        """The exchange is over, well or badly."""
        if connection.reusable:
            connection.idle_since = time.monotonic()
            self._idle.append(connection)
        else:
            self._discard(connection)

    def close(self) -> None:
        """Cut all connections."""
        if self._probing is not None:
            self._probing.cancel()
        for connection in tuple(self._all):
            self._discard(connection)

    def close_unused(self) -> None:
        """Close what nobody has used for long."""
        before = time.monotonic() - KEEP_SECONDS
        while self._idle and self._idle[0].idle_since < before:
            self._discard(self._idle[0])

    def succeeded(self) -> None:
        """It answered."""
        self._failures = 0

    def failed(self) -> None:
        """It did not answer, or not in its own language."""
        self._failures += 1
        if self._failures >= FAILURES and self.works:
            self.works = False
            log.warning("upstream.left_alone", address=f"{self.host}:{self.port}", failures=self._failures)
            self._probing = asyncio.get_running_loop().create_task(self._probe())

    async def _probe(self) -> None:
        while not await self._lives():  # noqa: ASYNC110 - another process changes, which tells nobody
            await asyncio.sleep(PROBE_EVERY_SECONDS)
        self._failures = 0
        self.works = True
        log.info("upstream.back", address=f"{self.host}:{self.port}")

    async def _lives(self) -> bool:
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                reader, writer = await asyncio.open_connection(self.host, self.port)
                try:
                    writer.write(_PROBE.format(host=self.host, port=self.port).encode("ascii"))
                    return (await reader.readexactly(9)).startswith(b"HTTP/1.")
                finally:
                    writer.transport.abort()
        except (OSError, EOFError, TimeoutError, DomainError):
            return False

    def _discard(self, connection: Connection) -> None:
        self._lost(connection)
        connection.close()

    def _lost(self, connection: Connection) -> None:
        self._all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
