"""The bytes of a downloaded file, a little at a time, out of its zip if it is one."""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from isin_worker.errors import UnreadableList
from isin_worker.pipeline.parse.inflate import InflateError, open_deflated

MEBIBYTE = 1024 * 1024
MAX_RATIO = 200
"""Lists become 10 to 40 times as large when they are unpacked; zeros become a thousand times as large."""
MAX_ENTRIES = 1000
_END_SIGNATURE = b"PK\x05\x06"
_END_BYTES = 22
_LONGEST_COMMENT = 65_535
_ENCRYPTED = 1

DAMAGED = (zipfile.BadZipFile, zlib.error, InflateError, EOFError, NotImplementedError)
"""What reading from a zip raises when its bytes are not what they should be."""


@contextmanager
def open_content(path: Path, max_unpacked: int) -> Iterator[IO[bytes]]:
    """The file, or the only one in it when it is a zip.

    Raises UnreadableList for a zip with more than one file, or encrypted, nested, damaged, or larger than it may be.
    Damage inside shows while it is read, as one of ``DAMAGED``.
    """
    with path.open("rb") as file:
        packed = file.read(4) in {b"PK\x03\x04", _END_SIGNATURE}
        file.seek(0)
        if not packed:
            yield file
            return
        with open_zip(path) as archive:
            # `ZipInfo.is_dir` fails for an entry without a name.
            entries = [entry for entry in archive.infolist() if not entry.filename.endswith("/")]
            if len(entries) != 1:
                raise UnreadableList(f"the zip has {len(entries)} files instead of one")
            with open_entry(archive, entries[0], max_unpacked) as content:
                yield content


def read_ahead(file: IO[bytes], size: int) -> Iterator[bytes]:
    """The bytes of a file, so many at a time. While some are used a thread reads, and unpacks, the next ones."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(file.read, size)
        while chunk := coming.result():
            coming = thread.submit(file.read, size)
            yield chunk


def open_zip(path: Path) -> zipfile.ZipFile:
    """A zip with few entries. Raises UnreadableList."""
    _require_few_entries(path)
    try:
        return zipfile.ZipFile(path)
    except (*DAMAGED, ValueError, OverflowError, struct.error) as error:
        raise UnreadableList(f"the zip is damaged: {error}") from error


def open_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, max_unpacked: int) -> IO[bytes]:
    """A file of a zip. What it unpacks to can't be more than it says, and its CRC is checked at its end.

    Raises UnreadableList when it says something that is refused.
    """
    if entry.flag_bits & _ENCRYPTED:
        raise UnreadableList("the zip is encrypted")
    if entry.filename.lower().endswith((".zip", ".gz")):
        raise UnreadableList("there is another archive in the zip")
    if entry.header_offset < 0:
        raise UnreadableList("the zip is damaged: a file in it begins before the zip")
    if entry.file_size > max_unpacked:
        raise UnreadableList(f"the zip unpacks to more than {max_unpacked} bytes")
    if entry.file_size > MAX_RATIO * max(entry.compress_size, 1) and entry.file_size > MEBIBYTE:
        raise UnreadableList(f"the zip unpacks to more than {MAX_RATIO} times its size")
    try:
        return open_deflated(archive, entry) if entry.compress_type == zipfile.ZIP_DEFLATED else archive.open(entry)
    except (*DAMAGED, ValueError, struct.error) as error:
        raise UnreadableList(f"the zip is damaged: {error}") from error


def _require_few_entries(path: Path) -> None:
    """Look at the end record before `zipfile` makes an object of each entry that the directory has."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _END_BYTES - _LONGEST_COMMENT))
        tail = file.read()
    place = tail.rfind(_END_SIGNATURE)
    if place < 0:
        raise UnreadableList("the zip is cut off: it has no end record")
    entries = int.from_bytes(tail[place + 10 : place + 12], "little")
    directory = int.from_bytes(tail[place + 12 : place + 16], "little")
    if entries > MAX_ENTRIES or directory > MEBIBYTE:
        raise UnreadableList(f"the zip has {entries} entries")
