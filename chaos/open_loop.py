"""Load by the clock: requests are due at their times whether or not earlier ones have been answered.

The time of an answer counts from when its request was due, so nothing that waits is left out of the figures
(coordinated omission). A request that finds no free connection opens one, up to a limit.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httptools

PATIENCE_SECONDS = 10.0
"""Who has no answer by then goes away."""
MOST_CONNECTIONS = 2000
"""At the same time. A request that finds no place waits, and its time counts."""


@dataclass(frozen=True)
class Answer:
    """What came of one request. ``status`` is 0 when nothing came."""

    name: str
    due: float
    """On the loop's clock; ``seconds`` from then to the end of the answer."""
    seconds: float
    status: int
    retry_after: bool = False

    def good(self, within: float) -> bool:
        """Whether it was what was asked for, and in time."""
        return 200 <= self.status < 300 and self.seconds <= within


class Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self) -> None:
        self.usable = False
        self._transport: Any = None  # uvloop's are none of asyncio's
        self._answered: asyncio.Future[tuple[int, bool]] | None = None

    def connection_made(self, transport: Any) -> None:
        """Of asyncio."""
        self._transport, self.usable = transport, True

    async def ask(self, request: bytes) -> tuple[int, bool]:
        """The status of the answer, and whether it says when to come again. Raises OSError."""
        self._answered = asyncio.get_running_loop().create_future()
        self._parser, self._retry_after = httptools.HttpResponseParser(self), False
        self._transport.write(request)
        return await self._answered

    def close(self) -> None:
        """No more requests."""
        self.usable = False
        if self._transport:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Of asyncio."""
        self._parser.feed_data(data)

    def connection_lost(self, error: Exception | None) -> None:
        """Of asyncio."""
        self.usable = False
        if self._answered and not self._answered.done():
            self._answered.set_exception(ConnectionError(str(error or "closed")))

    def on_header(self, name: bytes, _: bytes) -> None:
        """Of httptools."""
        self._retry_after = self._retry_after or name.lower() == b"retry-after"

    def on_message_complete(self) -> None:
        """Of httptools."""
        self.usable = self.usable and self._parser.should_keep_alive()
        if self._answered and not self._answered.done():
            self._answered.set_result((self._parser.get_status_code(), self._retry_after))


class OpenLoop:
    """Arrivals at a port of this machine."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: deque[Connection] = deque()
        self._places = asyncio.Semaphore(MOST_CONNECTIONS)

    async def run(self, requests: Iterator[tuple[str, bytes]], rate: float, seconds: float) -> list[Answer]:
        """The answers to what arrives at this rate, for so long; each request with its name."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        asked = []
        for number in range(int(rate * seconds)):
            due = began + number / rate
            if (early := due - loop.time()) > 0:
                await asyncio.sleep(early)
            asked.append(asyncio.create_task(self._one(due, *next(requests))))
        return await asyncio.gather(*asked)

    async def open(self, count: int) -> None:
        """Have so many more connections."""
        for _ in range(count):
            self._free.append(await self._opened())

    @property
    def usable(self) -> int:
        """How many connections could be asked now."""
        return sum(connection.usable for connection in self._free)

    def close(self) -> None:
        """Let go of all connections."""
        for connection in self._free:
            connection.close()

    async def _one(self, due: float, name: str, request: bytes) -> Answer:
        loop = asyncio.get_running_loop()
        status, retry_after = 0, False
        connection: Connection | None = None
        with suppress(OSError):  # TimeoutError is one
            async with asyncio.timeout_at(due + PATIENCE_SECONDS), self._places:
                connection = await self._connection()
                status, retry_after = await connection.ask(request)
        if connection and status and connection.usable:
            self._free.append(connection)
        elif connection:
            connection.close()
        return Answer(name, due, loop.time() - due, status, retry_after)

    async def _connection(self) -> Connection:
        while self._free:
            connection = self._free.popleft()  # each has its turn
            if connection.usable:
                return connection
        return await self._opened()

    async def _opened(self) -> Connection:
        return (await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", self._port))[1]


def percentile(answers: list[Answer], share: float) -> float:
    """The time in which this share of the answers came, in milliseconds; what never came counts as it was waited."""
    times = sorted(answer.seconds for answer in answers)
    return 1000 * times[min(int(len(times) * share), len(times) - 1)]


def told(answers: list[Answer]) -> str:
    """How many of each status."""
    counts = Counter(answer.status for answer in answers)
    return ", ".join(f"{counts[status]:,} x {status or 'no answer'}" for status in sorted(counts))


def request(method: str, path: str, *, body: bytes = b"", **headers: str) -> bytes:
    """A request as it goes over the wire; an underscore in a header's name is a hyphen."""
    lines = [f"{method} {path} HTTP/1.1", "Host: load", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body
