"""A publisher for tests: a web server on loopback with a list in the form of NSE India's, that misbehaves on demand."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Self

from extractor import isin_check_digit

PATH = "/content/equities/EQUITY_L.csv"
HEADER = ("SYMBOL", "NAME OF COMPANY", " SERIES", " DATE OF LISTING", " ISIN NUMBER")


def make_isin(number: int, prefix: str = "INE") -> str:
    """A valid ISIN, another one for each number below a hundred million."""
    body = f"{prefix}{number:08d}"
    return f"{body}{isin_check_digit(body)}"


def make_row(number: int, name: str | None = None, *, isin: str | None = None, series: str = "EQ") -> list[str]:
    """A row under ``HEADER``."""
    return [f"SYM{number}", name or f"Company {number} Limited", series, "06-OCT-2008", isin or make_isin(number)]


def make_list(rows: Iterable[Sequence[str]], header: Sequence[str] = HEADER) -> bytes:
    """A list as the publisher would write it."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue().encode()


async def eventually(condition: Callable[[], Awaitable[bool]], *, seconds: float = 120) -> None:
    """Return as soon as ``condition`` holds. Raises TimeoutError when it does not in time."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.02)


@dataclass
class Publisher:
    """What the server answers, to be changed between two requests, and what it was asked."""

    content: bytes = b""
    etag: str | None = None
    status: int = 200
    location: str | None = None
    missing_bytes: int = 0  # promised by Content-Length and never sent
    held: asyncio.Event | None = None  # the answer waits for it, after half of the content
    requests: list[dict[str, str]] = field(default_factory=list)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)  # set when an answer waits
    port: int = 0

    @property
    def url(self) -> str:
        """Where the list is."""
        return f"http://127.0.0.1:{self.port}{PATH}"

    def reset(self) -> None:
        """Answer plainly again."""
        self.__dict__.update(Publisher(port=self.port).__dict__)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Self]:
        """The server, on a free port."""
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
            self.requests.append(headers)
            unchanged = self.etag is not None and headers.get("if-none-match") == self.etag
            if unchanged:
                await self._send(304, b"", reader, writer)
            else:
                await self._send(self.status, self.content, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client is gone: killed by its test
        finally:
            writer.close()

    async def _send(
        self, status: int, content: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        headers = {
            "Content-Length": str(len(content) + self.missing_bytes),
            "ETag": self.etag,
            "Location": self.location,
        }
        lines = [
            f"HTTP/1.1 {status} -",
            *(f"{name}: {value}" for name, value in headers.items() if value),
            "Connection: close",
        ]
        half = len(content) // 2
        writer.write("\r\n".join([*lines, "", ""]).encode() + content[:half])
        await writer.drain()
        if self.held is not None:
            self.waiting.set()
            let_go, client_gone = asyncio.create_task(self.held.wait()), asyncio.create_task(reader.read(1))
            await asyncio.wait({let_go, client_gone}, return_when=asyncio.FIRST_COMPLETED)
            let_go.cancel()
            client_gone.cancel()
        writer.write(content[half:])
        await writer.drain()
