"""Where a message ends, read strictly (RFC 9112): heads, and bodies by length, in chunks, or until the end.

What two programs could read differently is not read at all: no bare CR or LF, no folded lines, no chunk extensions.
"""

import re
from typing import Final, Protocol

_TOKEN: Final = rb"[!#$%&'*+.^`|~0-9A-Za-z-]"  # of RFC 9110, without the underscore
_LINE: Final = rb":[\t\x20-\x7e\x80-\xff]*+\r\n"
REQUEST_HEAD: Final = re.compile(
    rb"(" + _TOKEN + rb"{1,32}) ([\x21-\x7e]++) HTTP/1\.([01])\r\n((?:" + _TOKEN + rb"++" + _LINE + rb")*+)\r\n"
)
ANSWER_HEAD: Final = re.compile(
    rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*+)?\r\n((?:[!-9;-~]++" + _LINE + rb")*+)\r\n"
)
# Found in a head that has not ended yet, it never becomes a good one.
HOPELESS: Final = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")
_TRAILERS: Final = re.compile(rb"(?:" + _TOKEN + rb"++" + _LINE + rb")*+\r\n")
MAX_SIZE_LINE: Final = 10
MAX_TRAILERS: Final = 8 * 1024


class FramingError(ValueError):
    """The end of the body can't be told with certainty."""


class Body(Protocol):
    """A body on its way in."""

    done: bool

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """What of ``data`` belongs to the body, and what comes after it. Raises FramingError."""


class Sized:
    """A body of known length."""

    __slots__ = ("_left", "done")

    def __init__(self, length: int) -> None:
        self._left = length
        self.done = not length

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """See Body."""
        left = self._left = self._left - len(data)
        if left > 0:
            return data, b""
        self.done = True
        return (data, b"") if not left else (data[:left], data[left:])


class Chunked:
    """A body in chunks. Trailer fields are checked and dropped."""

    def __init__(self) -> None:
        self._waiting = b""
        self._left = 0  # of the chunk, with the line end after it
        self._in_trailers = False
        self.done = False

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """See Body."""
        data, self._waiting = self._waiting + data, b""
        pieces: list[bytes] = []
        while data and not self.done:
            if self._left:
                data = self._take(data, pieces)
            elif self._in_trailers:
                data = self._end(data)
            else:
                data = self._size(data)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces), data

    def _take(self, data: bytes, pieces: list[bytes]) -> bytes:
        piece = data[: max(0, self._left - 2)]
        if piece:
            pieces.append(piece)
        end = data[len(piece) : self._left]
        self._left -= len(piece) + len(end)
        if end and end != b"\r\n"[2 - len(end) - self._left : 2 - self._left]:
            raise FramingError
        return data[len(piece) + len(end) :]

    def _size(self, data: bytes) -> bytes:
        line = _SIZE.match(data)
        if line is None:
            if len(data) > MAX_SIZE_LINE or b"\n" in data or not data.rstrip(b"\r").isalnum():
                raise FramingError
            self._waiting = data
            return b""
        size = int(line[1], 16)
        self._in_trailers = not size
        self._left = size + 2 if size else 0
        return data[line.end() :]

    def _end(self, data: bytes) -> bytes:
        end = 2 if data.startswith(b"\r\n") else data.find(b"\r\n\r\n") + 4
        if end < 4 and not data.startswith(b"\r\n"):
            if len(data) > MAX_TRAILERS or HOPELESS.search(data):
                raise FramingError
            self._waiting = data
            return b""
        if not _TRAILERS.fullmatch(data, 0, end):
            raise FramingError
        self.done = True
        return data[end:]


class UntilEnd:
    """A body that ends with its connection."""

    done = False

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """See Body."""
        return data, b""


def chunk(data: bytes, *, last: bool) -> bytes:
    """``data`` as a chunk, with the end of the body after the last one."""
    framed = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
    return framed + b"0\r\n\r\n" if last else framed
