"""The parser against a judge: whatever comes in, a service gets nothing that h11 would not have read there too.

Client and upstream are the gateway's own protocols over wires in memory, so that thousands of inputs pass in a second.
"""

import asyncio
from collections.abc import Callable
from functools import cache
from io import BytesIO
from itertools import pairwise
from typing import Any

import h11
import uvicorn
from hypothesis import strategies as st
from running_gateway import NAMES
from uvicorn.server import ServerState

from gateway.address import Address
from gateway.connection import Connection
from gateway.main import Gateway, create_gateway
from gateway.server import config
from gateway.settings import Settings
from servicekit import testing

MAX_EVENT = 200_000
Read = tuple[bytes, bytes, bytes]  # method, target, body


class Wire(asyncio.Transport):
    """A transport that hands over what is written, and remembers that it was closed."""

    def __init__(self, on_write: Callable[[bytes], None]) -> None:
        super().__init__()
        self._on_write = on_write
        self._closing = False

    def write(self, data: Any) -> None:
        if not self._closing:
            self._on_write(bytes(data))

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        self._closing = True

    abort = close

    def can_write_eof(self) -> bool:
        return False

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 1) if name in {"peername", "sockname"} else default


def read(data: bytes) -> list[Read]:
    """The requests that h11 finds in a stream, up to the first that it would refuse."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_EVENT)
    connection.receive_data(data)
    found: list[Read] = []
    method = target = body = b""
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                method, target, body = event.method, event.target, b""
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                found.append((method, target, body))
                connection.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
                connection.send(h11.EndOfMessage())
                connection.start_next_cycle()
            else:  # it wants more, or the connection is at its end
                return found
    except h11.ProtocolError:
        return found


class Judge:
    """Plays the service: keeps what it got, and answers each request."""

    def __init__(self) -> None:
        self._streams: list[tuple[Connection, bytearray, list[int]]] = []

    def connect(self, lost: Callable[[Connection], None]) -> Connection:
        """A connection to the judge."""
        connection, stream = Connection(lost), bytearray()
        connection.connection_made(Wire(stream.extend))
        self._streams.append((connection, stream, [0]))
        return connection

    def answer(self) -> None:
        """Answer all requests that are complete."""
        for connection, stream, answered in self._streams:
            if len(read(bytes(stream))) > answered[0] and not connection.transport.is_closing():
                answered[0] += 1
                connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    @property
    def got(self) -> list[Read]:
        """The requests in the order in which they came."""
        return [request for _, stream, _ in self._streams for request in read(bytes(stream))]

    @property
    def heads(self) -> int:
        """How often anything that looks like a request began."""
        return sum(bytes(stream).count(b" HTTP/1.1\r\nhost: ") for _, stream, _ in self._streams)


class JudgedAddress(Address):
    """Each exchange has a connection of its own, to the judge."""

    judge: Judge

    def kept(self) -> Connection | None:
        """A new one."""
        connection = self.judge.connect(self._lost)
        self._all.add(connection)
        return connection


class Nowhere(BytesIO):
    """A log that nobody reads."""

    def write(self, _data: object) -> int:
        return 0


@cache
def _gateway() -> tuple[Gateway, uvicorn.Config]:
    urls = {f"{name}_url": "http://127.0.0.1:1" for name in NAMES}
    settings = Settings.model_validate({"environment": "test", "rate_limits": False, **urls})
    parts = create_gateway(settings, keys=testing.test_keys(), log_stream=Nowhere())
    server = config(parts, "127.0.0.1", 0)
    server.load()
    return parts, server


async def through_the_gateway(pieces: list[bytes]) -> tuple[Judge, bytes]:
    """What the service and the client got after the client sent these bytes, piece by piece."""
    parts, server = _gateway()
    judge, answers = Judge(), bytearray()
    for upstream in parts.door.upstreams.values():
        address = JudgedAddress("http://127.0.0.1:1", parts.settings)
        address.judge = judge
        upstream.addresses = [address]
    client = parts.door.protocol(server, ServerState(), {}, asyncio.get_running_loop())
    client.connection_made(Wire(answers.extend))
    for piece in pieces:
        client.data_received(piece)
        for _ in range(4):
            judge.answer()
            await asyncio.sleep(0)
    client.connection_lost(None)
    return judge, bytes(answers)


def assert_nothing_was_smuggled(sent: bytes, judge: Judge) -> None:
    """What the service read is what h11 reads in what the client sent, in this order; some may have been refused."""
    intended = [(method, target.removeprefix(b"http://a"), body) for method, target, body in read(sent)]
    left = iter(intended)
    assert all(request in left for request in judge.got), (sent, judge.got, intended)
    assert judge.heads <= len(intended) + 1  # the last one may wait for the rest of its body


LINES = [
    "Host: a", "Host: b", "Content-Length: 0", "Content-Length: 5", "Content-Length: 38", "Content-Length: +5",
    "Content-Length: 5, 5", "content-length:5", "Content-Length : 5", "Transfer-Encoding: chunked",
    "Transfer-Encoding: Chunked", "Transfer-Encoding: xchunked", "Transfer-Encoding: gzip, chunked",
    "transfer-encoding:\tchunked", "Transfer-Encoding: chunked\r\n ", "Transfer_Encoding: chunked",
    "Expect: 100-continue",
    "Connection: close", "Connection: Content-Length", "Connection: keep-alive, Host", "X: a\nContent-Length: 9",
    "X: a\rY: b", "X: \x00", "X: a\r\n b", "Trailer: X", "TE: trailers", "Upgrade: h2c", "X-Forwarded-For: 1.2.3.4",
]  # fmt: skip
ORDINARY = ["Accept: */*", "Content-Length: 5", "Transfer-Encoding: chunked", "X-A: b", "Cookie: a=b"]
SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
BODIES = [
    "", "hello", SMUGGLED, "0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "5;x=y\r\nhello\r\n0\r\n\r\n", "5\r\nhello0\r\n\r\n",
    "5\nhello\n0\n\n", "05\r\nhello\r\n000\r\n\r\n", "0\r\nX: y\r\n\r\n", f"0\r\n\r\n{SMUGGLED}",
    f"26\r\n{SMUGGLED}\r\n0\r\n\r\n",
    "ffffffffffffffff\r\nhello\r\n0\r\n\r\n", "-1\r\nhello\r\n0\r\n\r\n",
]  # fmt: skip
FIRST = [
    "GET /a HTTP/1.1", "POST /b HTTP/1.1", "HEAD /c HTTP/1.1", "POST /d HTTP/1.0", "POST http://a/e HTTP/1.1",
    "GET /f?x=/smuggled HTTP/1.1", "GET /g%2f HTTP/1.1", "GET /h HTTP/1.1\r\n X: y", "PUT /i HTTP/1.1",
]  # fmt: skip
_messages = st.builds(
    lambda first, lines, end, body: "\r\n".join([first, *lines]) + end + body,
    st.sampled_from(FIRST),
    st.lists(st.sampled_from(ORDINARY) | st.sampled_from(LINES), max_size=3, unique=True).map(
        lambda lines: ["Host: a", *lines]
    ),
    st.sampled_from(["\r\n\r\n"] * 8 + ["\n\n", "\r\n\n", "\r\n"]),
    st.sampled_from(BODIES),
)


def _mutated(data: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    for at, length, instead in changes:
        start = at % (len(data) + 1)
        data = data[:start] + instead + data[start + length :]
    return data


_changes: st.SearchStrategy[list[tuple[int, int, bytes]]] = st.just([]) | st.lists(
    st.tuples(
        st.integers(0, 400),
        st.integers(0, 3),
        st.sampled_from(
            [b"", b"\r", b"\n", b"\r\n", b" ", b"\t", b":", b"0", b"\0", b"_", b";", b",", b"\xff", b"chunked"]
        ),
    ),
    max_size=3,
)
inputs = st.builds(
    _mutated, st.lists(_messages, min_size=1, max_size=3).map(lambda parts: "".join(parts).encode("latin-1")), _changes
)
cuts = st.lists(st.integers(0, 300), max_size=4)


def pieces_of(data: bytes, places: list[int]) -> list[bytes]:
    """``data`` as it may arrive."""
    edges = sorted({0, len(data), *(place for place in places if place < len(data))})
    return [data[start:end] for start, end in pairwise(edges)]
