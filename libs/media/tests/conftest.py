"""A hostile picture, and files to put pictures in."""

import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import BinaryIO

import pytest


def png_of_declared_size(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that says it is as large as that, all zeros."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compressobj()
    line = bytes(1 + width * 3)
    data = b"".join(rows.compress(line) for _ in range(min(height, 2000))) + rows.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.fixture(scope="session")
def bomb() -> bytes:
    """1,600 megapixels in 235 kB: 4.8 GB once decoded."""
    return png_of_declared_size(40_000, 40_000)


@pytest.fixture
def as_file() -> Iterator[Callable[[bytes], BinaryIO]]:
    """Puts content into a temporary file."""
    with ExitStack() as files:

        def make(content: bytes) -> BinaryIO:
            file = files.enter_context(tempfile.TemporaryFile())
            file.write(content)
            file.flush()
            return file

        yield make
