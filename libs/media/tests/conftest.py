"""A hostile picture, and files to put pictures in."""

import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import BinaryIO

import pytest

from media.testing import BUCKET, s3_server, s3_variables


def png_of_declared_size(width: int, height: int, *, rows: int, extra: tuple[bytes, bytes] | None = None) -> bytes:
    """A black PNG that says it is as large as that, with so many rows of it in fact; ``extra``: a further chunk."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    line = bytes(1 + width * 3)
    data = b"".join(packer.compress(line) for _ in range(rows)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    between = chunk(*extra) if extra else b""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + between + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.fixture(scope="session")
def bomb() -> bytes:
    """1,600 megapixels in 235 kB: 4.8 GB once decoded."""
    return png_of_declared_size(40_000, 40_000, rows=2000)


@pytest.fixture(scope="session")
def whole_bomb() -> bytes:
    """A PNG without a fault, 165 megapixels in 480 kB: 661 MB once decoded."""
    return png_of_declared_size(12_855, 12_855, rows=12_855)


@pytest.fixture(params=[b"zTXt", b"iCCP", b"iTXt"], ids=["text", "colour profile", "international text"])
def chunk_bomb(request: pytest.FixtureRequest) -> bytes:
    """A small picture with a chunk of 500 kB beside it that unpacks to 500 MB."""
    packed = zlib.compress(bytes(500_000_000), 9)
    head = b"x\0\1\0\0\0" if request.param == b"iTXt" else b"x\0\0"
    return png_of_declared_size(400, 400, rows=400, extra=(request.param, head + packed))


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


@pytest.fixture(scope="session")
def _s3_address() -> Iterator[str]:
    with s3_server() as address:
        yield address


@pytest.fixture
def s3_url(_s3_address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder of an S3 server on this machine."""
    for name, value in s3_variables(_s3_address).items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/some/folder"
