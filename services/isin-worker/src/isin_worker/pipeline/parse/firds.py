"""FIRDS: messages of half a million records on one line, read a mebibyte at a time.

An XML parser makes events of thirty tags a record, of which seven matter. Almost all records have the same shape, so
their lines are made of all of them at once; a record that has another shape, or something special in a field, is read
by itself. When it is not even certain where the records are, or these are no UTF-8, or most have another shape, that
mebibyte goes to the XML parser. A document of another shape is so read more slowly, and not otherwise.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import IO

import numpy as np

from isin_worker.errors import UnreadableList
from isin_worker.feeds.source import Mode
from isin_worker.isin import LENGTH
from isin_worker.pipeline.batches import Batch, Key, Refused, StageLayout
from isin_worker.pipeline.parse.content import read_ahead
from isin_worker.pipeline.parse.firds_lines import SEPARATOR, find_records, lines_of
from isin_worker.pipeline.parse.firds_records import RecordReader

FULL = StageLayout(columns=("isin", "name", "type", "currency", "lei", "venue"))
CHANGES = StageLayout(columns=("op", *FULL.columns))
CHUNK = 1024 * 1024
LONGEST_RECORD = 256 * 1024

_CLOSING = re.compile(rb"\s*(?:</[^<>]+>\s*)+")
_ENCODING = re.compile(rb"""<\?xml[^>]*encoding\s*=\s*["'](?!utf-8)""", re.IGNORECASE)


class FirdsReader:
    """The records of one file of a run; ``number`` is that of the next record, and goes on from file to file.

    ``categories`` are the first letters of the CFI codes whose changes are taken. A full file has one category.
    """

    def __init__(self, mode: Mode, categories: str, number: int = 1) -> None:
        self.number = number
        self._categories = categories if mode == "delta" else None
        self._element = "RefData" if self._categories is None else "FinInstrm"
        self._start, self._end = f"<{self._element}>".encode(), f"</{self._element}>".encode()
        self._reader = RecordReader(self._element, self._categories)

    def batches(self, file: IO[bytes]) -> Iterator[Batch]:
        """The records. Raises UnreadableList for what is no such message, or ends in the middle of one."""
        for chunk in self._whole_records(file):
            yield self._quick_batch(chunk) or self._slow_batch(chunk)

    def places_of(self, file: IO[bytes], keys: Collection[Key]) -> Mapping[Key, Sequence[int]]:
        """Which records of a full file these are. It is read as before: each that was not refused is a line."""
        found: dict[Key, list[int]] = defaultdict(list)
        first = self.number
        for batch in self.batches(file):
            refused = {row.number for row in batch.refused}
            numbers = [number for number in range(first, self.number) if number not in refused]
            for number, line in zip(numbers, batch.copy.split(b"\n")[:-1], strict=True):
                key = line[:LENGTH].decode(), line[line.rindex(b"\t") + 1 :].decode()
                if key in keys:
                    found[key].append(number)
            first = self.number
        return found

    def _whole_records(self, file: IO[bytes]) -> Iterator[bytes]:
        """Chunks that begin with a record and end with one."""
        rest, started = b"", False
        for chunk in read_ahead(file, CHUNK):
            rest += chunk
            if not started and (start := rest.find(self._start)) >= 0:
                _require_readable(rest[:start])
                rest, started = rest[start:], True
            end = rest.rfind(self._end) + len(self._end)
            if started and end >= len(self._end):
                yield rest[:end]
                rest = rest[end:]
            elif len(rest) > LONGEST_RECORD + CHUNK:
                raise UnreadableList("no FIRDS: no record ends where one should")
        if not started:
            raise UnreadableList("no FIRDS: there is no record")
        if not _CLOSING.fullmatch(rest):
            raise UnreadableList("the file is cut off: it does not end after a record")

    def _quick_batch(self, chunk: bytes) -> Batch | None:
        """The records as lines that were made all at once, but for those that are not plain; None if that can't be."""
        records = find_records(chunk, self._element) if b"\0" not in chunk and _is_utf8(chunk) else None
        if records is None:
            return None
        lines = lines_of(chunk, records.starts, self._categories)
        if 2 * np.count_nonzero(lines.fit) < len(lines.fit):
            return None
        results: list[bytes | Refused | None] = []
        kept_to = 0
        for place in np.flatnonzero(~lines.plain).tolist():
            start, end = int(lines.ends[place - 1]) if place else 0, int(lines.ends[place])
            results.append(lines.text[kept_to:start].replace(SEPARATOR, b"\t"))
            kept_to = end
            if lines.fit[place]:
                fields = lines.text[start : end - 1].decode().split(SEPARATOR.decode())
                results.append(self._reader.of_fields(self.number + place, fields))
            else:
                piece = chunk[records.starts[place] : records.ends[place]]
                results.append(self._reader.of_piece(self.number + place, piece))
        results.append(lines.text[kept_to:].replace(SEPARATOR, b"\t"))
        return self._batch(results, len(records.ends))

    def _slow_batch(self, chunk: bytes) -> Batch:
        """The records as the XML parser reads them."""
        pieces = [piece + self._end for piece in chunk.split(self._end)[:-1]]
        return self._batch(self._reader.of_pieces(self.number, pieces), len(pieces))

    def _batch(self, results: Sequence[bytes | Refused | None], records: int) -> Batch:
        """What became of the records: lines, some or one; why there is none; None for each that is not wanted."""
        self.number += records
        refused = [result for result in results if isinstance(result, Refused)]
        copy = b"".join([result for result in results if isinstance(result, bytes)])
        return Batch(copy, records - results.count(None), refused)


def _is_utf8(chunk: bytes) -> bool:
    if chunk.isascii():
        return True
    try:
        chunk.decode()
    except UnicodeDecodeError:
        return False
    return True


def _require_readable(preamble: bytes) -> None:
    if b"<!" in preamble.replace(b"<!--", b""):
        raise UnreadableList("no XML that is read here: it declares a document type")
    if _ENCODING.match(preamble):
        raise UnreadableList("no FIRDS: its encoding is not UTF-8")
