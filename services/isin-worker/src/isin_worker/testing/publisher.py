"""A publisher for tests: a web server on loopback that misbehaves on demand."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Self

PATH = "/content/equities/EQUITY_L.csv"


async def eventually(condition: Callable[[], Awaitable[bool]], *, seconds: float = 120) -> None:
    """Return as soon as ``condition`` holds. Raises TimeoutError when it does not in time."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.02)


@dataclass(slots=True)
class Served:
    """A file of the publisher, and how it is answered."""

    content: bytes = b""
    etag: str | None = None
    last_modified: str | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    decoys: list[bytes] = field(default_factory=list)  # the contents of the next answers, instead of the right one


@dataclass
class Publisher:
    """What the server answers, to be changed between two requests, and what it was asked.

    ``content``, ``etag``, ``status`` and ``location`` are those of the one list that most tests need, at ``PATH``;
    ``files`` are served beside it, by path. A request under ``:path`` and by header names is kept in ``requests``.
    """

    content: bytes = b""
    etag: str | None = None
    last_modified: str | None = None
    status: int = 200
    location: str | None = None
    files: dict[str, Served] = field(default_factory=dict)
    failures: list[int] = field(default_factory=list)  # the statuses of the next answers, instead of the right ones
    ranges: bool = False  # whether a part of a file may be asked for (RFC 9110, section 14)
    cuts: list[int] = field(default_factory=list)  # the next answers end after so many bytes of the body
    missing_bytes: int = 0  # promised by Content-Length and never sent
    held: asyncio.Event | None = None  # the answer waits for it, after half of the content
    requests: list[dict[str, str]] = field(default_factory=list)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)  # set when an answer waits
    port: int = 0

    @property
    def url(self) -> str:
        """Where the list is."""
        return self.url_of(PATH)

    def url_of(self, path: str) -> str:
        """Where a file is."""
        return f"http://127.0.0.1:{self.port}{path}"

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
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
            path = first.split(" ")[1]
            self.requests.append({":path": path, **headers})
            await self._send(*self._answer_to(path, headers), reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client is gone: killed by its test
        finally:
            writer.close()

    def _answer_to(self, path: str, asked: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        if self.failures:
            return self.failures.pop(0), {"Content-Type": "text/html"}, b"<!DOCTYPE html><title>Access denied</title>"
        served = self.files.get(path.partition("?")[0])
        if served is None:
            location = {"Location": self.location} if self.location else {}
            served = Served(self.content, self.etag, self.last_modified, self.status, location)
        validators = {"ETag": served.etag, "Last-Modified": served.last_modified}
        headers = served.headers | {name: value for name, value in validators.items() if value}
        if _is_unchanged(served, asked):
            return 304, headers, b""
        if self.ranges and served.status == 200 and "range" in asked:
            return _part(served, asked, headers)
        return served.status, headers, served.decoys.pop(0) if served.decoys else served.content

    async def _send(
        self,
        status: int,
        headers: dict[str, str],
        content: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        promised = {"Content-Length": str(len(content) + self.missing_bytes), "Connection": "close"}
        lines = [f"HTTP/1.1 {status} -", *(f"{name}: {value}" for name, value in (headers | promised).items())]
        if self.cuts:
            content = content[: self.cuts.pop(0)]
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


def _is_unchanged(served: Served, asked: dict[str, str]) -> bool:
    if "if-none-match" in asked:  # decides alone when it is there
        return served.etag is not None and asked["if-none-match"] == served.etag
    return served.last_modified is not None and asked.get("if-modified-since") == served.last_modified


def _part(served: Served, asked: dict[str, str], headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    """The answer to a range that is open at its end, as a download that goes on asks for it."""
    size = len(served.content)
    start = int(asked["range"].removeprefix("bytes=").removesuffix("-"))
    if asked.get("if-range", served.etag) not in {served.etag, served.last_modified}:
        return 200, headers, served.content
    if start >= size:
        return 416, {"Content-Range": f"bytes */{size}"}, b""
    return 206, headers | {"Content-Range": f"bytes {start}-{size - 1}/{size}"}, served.content[start:]
