"""A load generator that costs little itself: raw HTTP/1.1 over kept connections, each with one request at a time."""

import asyncio
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Result:
    """What came of a run: requests that were answered, seconds, and the time of each answer in milliseconds."""

    requests: int
    seconds: float
    times: list[float]

    @property
    def rate(self) -> float:
        """Requests for each second."""
        return self.requests / self.seconds

    def percentile(self, share: float) -> float:
        """The time in which this share of the answers came, in milliseconds."""
        return sorted(self.times)[min(int(len(self.times) * share), len(self.times) - 1)]


def request(method: str, path: str, body: bytes = b"", token: str = "", key: str = "") -> bytes:
    """A request as it goes over the wire; ``key`` is its Idempotency-Key."""
    head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\nAccept: application/json\r\n"
    if key:
        head += f"Idempotency-Key: {key}\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    if token:
        head += f"Authorization: Bearer {token}\r\n"
    return head.encode() + b"\r\n" + body


class _Connection(asyncio.Protocol):
    def __init__(
        self,
        new_request: Callable[[], bytes | None],
        status: bytes,
        finished: asyncio.Future[None],
        interval: float,
    ) -> None:
        self._interval = interval  # seconds from one request to the next; 0: as soon as there is an answer
        self._new_request = new_request
        self._good = b"HTTP/1.1 " + status
        self._finished = finished
        self._received = b""
        self._needed = 0  # bytes of the present answer, once its header is there
        self.times: list[float] = []

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._due = time.perf_counter()
        self._send()

    def _next(self) -> None:
        self._due += self._interval
        wait = self._due - time.perf_counter()
        if not self._interval or wait <= 0:
            self._send()
        else:
            asyncio.get_running_loop().call_later(wait, self._send)

    def _send(self) -> None:
        following = self._new_request()
        if following is None:
            self._transport.close()
            self._finished.set_result(None)
            return
        self._received, self._needed = b"", 0
        self._began = time.perf_counter()
        self._transport.write(following)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._needed:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return
            self._needed = end + 4 + _content_length(self._received[:end])
        if len(self._received) < self._needed:
            return
        self.times.append((time.perf_counter() - self._began) * 1000)
        if not self._received.startswith(self._good):
            self._fail(AssertionError(self._received[:500]))
        else:
            self._next()

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(error or ConnectionError("the server closed the connection"))

    def _fail(self, error: Exception) -> None:
        if not self._finished.done():
            self._finished.set_exception(error)
            self._transport.close()


def _content_length(header: bytes) -> int:
    for line in header.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    raise AssertionError(f"an answer without its length: {header!r}")


def run(
    port: int,
    new_request: Callable[[], bytes],
    *,
    connections: int,
    seconds: float,
    status: int = 200,
    rate: float = 0,
) -> Result:
    """Ask for ``seconds`` over that many connections. Any other status than the given one is an AssertionError.

    With ``rate`` so many times a second, together; else each connection asks again as soon as it has its answer.
    """
    interval = connections / rate if rate else 0

    async def all_of_them() -> Result:
        loop = asyncio.get_running_loop()
        began = time.perf_counter()
        until = began + seconds

        def next_request() -> bytes | None:
            return new_request() if time.perf_counter() < until else None

        clients = []
        for _ in range(connections):
            finished = loop.create_future()
            made = await loop.create_connection(
                lambda finished=finished: _Connection(next_request, str(status).encode(), finished, interval),
                "127.0.0.1",
                port,
            )
            clients.append((made[1], finished))
        await asyncio.gather(*(finished for _, finished in clients))
        times = [took for client, _ in clients for took in client.times]
        return Result(len(times), time.perf_counter() - began, times)

    return uvloop.run(all_of_them())


def cpu_seconds(pids: Iterable[int]) -> float:
    """What these processes have spent so far, with their children that have ended."""
    ticks = 0
    for pid in pids:
        # The name in the second field may hold spaces; nothing behind it does.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(int(field) for field in fields[11:15])
    return ticks / TICK


def family(pid: int) -> list[int]:
    """The process and all that it has started, and so on."""
    children = [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]
    return [pid, *(member for child in children for member in family(child))]
