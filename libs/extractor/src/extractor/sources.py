"""Any source as blocks of text of an even size."""

import codecs
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol, TypeAlias, runtime_checkable

from extractor.errors import NotUtf8Error

BLOCK = 262_144
"""Characters that are looked at together, and the most that is read at once."""

Chunk: TypeAlias = str | bytes | bytearray | memoryview


@runtime_checkable
class Readable(Protocol):
    """A file, or anything that reads like one."""

    def read(self, size: int, /) -> str | bytes | None: ...


Source: TypeAlias = str | bytes | bytearray | memoryview | os.PathLike[str] | Readable | Iterable[Chunk]


def text_blocks(source: Source, size: int = BLOCK) -> Iterator[str]:
    """The text of a source in blocks of `size` up to twice as many characters; only the last may be shorter.

    Raises NotUtf8Error, TypeError for a source or chunk of another kind, and the OSError of a file that cannot be read.
    """
    return _evened(_decoded(_chunks(source, size)), size)


def _chunks(source: Source, size: int) -> Iterator[Chunk]:
    if isinstance(source, (str, bytes, bytearray, memoryview)):
        yield from _slices(source, size)
    elif isinstance(source, os.PathLike):
        try:
            with Path(source).open("rb") as file:
                yield from _read(file, size)
        except OSError as error:
            error.filename = error.filename or os.fspath(source)  # one that cannot be read says which, as one not found
            raise
    elif isinstance(source, Readable):
        yield from _read(source, size)
    elif isinstance(source, Iterable):
        for chunk in source:
            yield from _slices(chunk, size)
    else:
        raise TypeError(f"cannot read text from {type(source).__name__}: give str, bytes, a path, a file or chunks")


def _slices(chunk: Chunk, size: int) -> Iterator[Chunk]:
    if isinstance(chunk, (bytearray, memoryview)):
        chunk = memoryview(chunk).cast("B")  # so that a slice is no copy and its length is in bytes
    elif not isinstance(chunk, (str, bytes)):
        raise TypeError(f"a chunk must be str or bytes, not {type(chunk).__name__}")
    for start in range(0, len(chunk), size):
        yield chunk[start : start + size]


def _read(file: Readable, size: int) -> Iterator[Chunk]:
    while True:
        chunk = file.read(size)
        if chunk is None:
            raise BlockingIOError("the file has no data yet and does not wait for it; give one that blocks")
        if not chunk:
            return
        yield chunk


def _decoded(chunks: Iterator[Chunk]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    kind: bool | None = None
    taken = 0
    for chunk in chunks:
        if kind is not None and kind != isinstance(chunk, str):
            raise TypeError("chunks must be all text or all bytes, not both")
        kind = isinstance(chunk, str)
        if isinstance(chunk, str):
            yield chunk
        else:
            taken += len(chunk)
            yield _decode(decoder, bytes(chunk), taken)
    _decode(decoder, b"", taken, final=True)


def _decode(decoder: codecs.IncrementalDecoder, chunk: bytes, taken: int, *, final: bool = False) -> str:
    try:
        return decoder.decode(chunk, final)
    except UnicodeDecodeError as error:
        # The decoder speaks of what it holds: the start of a character from the chunk before, and this chunk.
        raise NotUtf8Error(taken - len(error.object) + error.start, error.reason) from None


def _evened(pieces: Iterator[str], size: int) -> Iterator[str]:
    """Small pieces are joined, so that a stream of single characters costs no more than its length."""
    held: list[str] = []
    length = 0
    for piece in pieces:
        held.append(piece)
        length += len(piece)
        if length >= size:
            yield "".join(held)
            held.clear()
            length = 0
    if held:
        yield "".join(held)
