"""Rows of a CSV file, a little at a time."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import IO

from isin_worker.errors import UnreadableList
from isin_worker.feeds import Feed
from isin_worker.feeds.formats import Csv
from isin_worker.pipeline.parse.rows import MAX_RAW, Header, Row, find_header, wanted_columns
from isin_worker.pipeline.parse.statement import StatedLine

LONGEST_LINE = 128 * 1024
"""Characters. The csv module's own limit, for a cell, is the same."""


class CsvRows:
    """The rows under the header of a CSV file; blank ones, and the line that is ``stated``, are left out.

    Bytes that the encoding does not have arrive as lone surrogates. Raises UnreadableList when it is no CSV, and
    HeaderDrift when it lacks a declared column.
    """

    def __init__(self, file: IO[bytes], feed: Feed, form: Csv, stated: StatedLine | None = None) -> None:
        encoding = "utf-8-sig" if form.encoding == "utf-8" else form.encoding
        self._text = io.TextIOWrapper(file, encoding, errors="surrogateescape", newline="")
        self._reader = csv.reader(_lines(self._text), delimiter=form.delimiter)
        self._form = form
        self._stated = stated
        lines = iter([form.names]) if form.names else self._cells()
        self.header: Header = find_header(lines, wanted_columns(feed), form.header_within)

    def __iter__(self) -> Iterator[Row]:
        for cells in self._cells():
            if not any(cell.strip() for cell in cells) or (self._form.sections and len(cells) == 1):
                continue
            raw = self._form.delimiter.join(cells)[:MAX_RAW]
            yield self.header.row(self._reader.line_num, cells, raw=raw)

    def close(self) -> None:
        """Let go of the file: it is closed by whoever opened it."""
        self._text.detach()

    def _cells(self) -> Iterator[list[str]]:
        try:
            for cells in self._reader:
                if self._stated is None or not self._stated.is_in(cells):
                    yield cells
        except csv.Error as error:
            raise UnreadableList(f"no CSV from line {self._reader.line_num} on: {error}") from error


def _lines(text: io.TextIOWrapper) -> Iterable[str]:
    number = 0
    while line := text.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE and not line.endswith(("\n", "\r")):
            raise UnreadableList(f"no CSV from line {number} on: a line of more than {LONGEST_LINE} characters")
        yield line
