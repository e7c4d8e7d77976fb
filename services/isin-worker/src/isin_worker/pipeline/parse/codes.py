"""Lists of nothing but codes, such as ISIN and LEI: what is right goes to the database byte for byte.

Lines are found and checked a mebibyte at a time, without an object for each. Those that are not plainly right, for a
wrong check digit, small letters, quotes, or blanks, are cut out and read one by one like those of any other list. So a
cell of such a list can't have a line break in it.
"""

import csv
import string
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import IO

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from isin_worker import check_digits
from isin_worker.errors import UnreadableList
from isin_worker.feeds import Feed
from isin_worker.feeds.formats import Csv
from isin_worker.pipeline.batches import Batch, Key, Refused, StageLayout
from isin_worker.pipeline.parse.content import read_ahead
from isin_worker.pipeline.parse.copy_text import entry_line
from isin_worker.pipeline.parse.rows import MAX_RAW, Header, fold, wanted_columns
from isin_worker.pipeline.parse.validate import Entry, check, refuse

CHUNK = 1024 * 1024
LONGEST_CODE = 40
LONGEST_HEADER = 1000
LONGEST_LINE = 128 * 1024
_NEWLINE = ord("\n")
_CODES = (string.ascii_uppercase + string.digits).encode()


def codes_layout(file: IO[bytes], feed: Feed, form: Csv) -> StageLayout | None:
    """How the file's own lines are staged, if all its columns are wanted and nothing is to be added to them."""
    header = file.readline(LONGEST_HEADER)
    names = header.decode("utf-8-sig", errors="replace").strip().split(form.delimiter)
    fields = {fold(name): field for field, name in feed.columns.items()}
    only_codes = set(feed.columns) <= {"isin", "lei"}
    plain = (
        not (feed.details or feed.constants or feed.more_isins or form.sections or form.names or form.stated)
        and form.header_within == 1
        and header.endswith(b"\n")
    )
    columns = tuple(fields.get(fold(name), "") for name in names)
    if not (only_codes and plain and form.encoding == "utf-8" and sorted(columns) == sorted(fields.values())):
        return None
    return StageLayout(columns, form.delimiter)


class Codes:
    """The lines of a list of codes."""

    def __init__(self, feed: Feed, form: Csv, layout: StageLayout) -> None:
        self._feed = feed
        self._delimiter = form.delimiter
        self._layout = layout
        self._header = Header([feed.columns[column] for column in layout.columns], wanted_columns(feed))
        self._plain = _CODES + f"{form.delimiter}\n".encode()
        self._allowed = np.zeros(256, dtype=np.bool_)
        self._allowed[list(self._plain)] = True

    def batches(self, file: IO[bytes]) -> Iterator[Batch]:
        """The lines below the header. Raises UnreadableList for what has no lines."""
        file.readline()
        number = 2
        for chunk in _whole_lines(file):
            lines = np.flatnonzero(np.frombuffer(chunk, dtype=np.uint8) == _NEWLINE)
            yield self._batch(chunk, lines, number)
            number += len(lines)

    def _batch(self, chunk: bytes, ends: NDArray[np.intp], number: int) -> Batch:
        """The lines that end at ``ends``, the first of which is line ``number`` of the file."""
        starts = np.concatenate(([0], ends[:-1] + 1))
        pieces: list[bytes] = []
        refused: list[Refused] = []
        rows = kept_to = 0
        doubtful = np.flatnonzero(~self._right(chunk, starts, ends))
        for line in doubtful.tolist():
            start, end = int(starts[line]), int(ends[line]) + 1
            pieces.append(chunk[kept_to:start])
            kept_to = end
            for checked in self._check(number + line, chunk[start:end]):
                rows += 1
                if isinstance(checked, Entry):
                    pieces.append(entry_line(checked, self._layout).encode())
                else:
                    refused.append(checked)
        pieces.append(chunk[kept_to:])
        return Batch(b"".join(pieces), len(ends) - len(doubtful) + rows, refused)

    def _right(self, chunk: bytes, starts: NDArray[np.intp], ends: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Which lines are codes of plausible lengths between delimiters, with an ISIN in its place."""
        if len(chunk) < check_digits.LENGTH:
            return np.zeros(len(starts), dtype=np.bool_)
        content = np.frombuffer(chunk, dtype=np.uint8)
        inner = len(self._layout.columns) - 1
        delimiters = np.flatnonzero(content == ord(self._delimiter))
        first = np.searchsorted(delimiters, starts)
        right: NDArray[np.bool_] = np.diff(first, append=len(delimiters)) == inner
        if chunk.translate(None, self._plain):
            odd = np.flatnonzero(~self._allowed[content])
            right[np.searchsorted(ends, odd)] = False
        lines = np.flatnonzero(right)
        cell_starts, isin_starts = starts[lines], starts[lines]
        fitting = np.ones(len(lines), dtype=np.bool_)
        for place, column in enumerate(self._layout.columns):
            cell_ends = delimiters[first[lines] + place] if place < inner else ends[lines]
            length = cell_ends - cell_starts
            if column == "isin":
                isin_starts = cell_starts
                fitting &= length == check_digits.LENGTH
            else:
                fitting &= (length > 0) & (length <= LONGEST_CODE)
            cell_starts = cell_ends + 1
        isins = sliding_window_view(content, check_digits.LENGTH)[isin_starts[fitting]]
        fitting[fitting] = check_digits.valid(isins.view(f"S{check_digits.LENGTH}").ravel())
        right[lines] = fitting
        return right

    def _check(self, number: int, line: bytes) -> Iterator[Entry | Refused]:
        """A line as it would be read in any other list."""
        text = line.decode(errors="surrogateescape")
        try:
            cells = next(csv.reader([text], delimiter=self._delimiter))
        except csv.Error as error:
            yield refuse(number, f"no CSV: {error}", text[:MAX_RAW])
            return
        if any(cell.strip() for cell in cells):
            row = self._header.row(number, cells, raw=self._delimiter.join(cells)[:MAX_RAW])
            yield from check(row, self._feed)


def lines_of(file: IO[bytes], layout: StageLayout, keys: Collection[Key]) -> Mapping[Key, Sequence[int]]:
    """On which lines of a list of codes these ISINs stand: lines pass through without their numbers."""
    place = layout.columns.index("isin")
    found: dict[Key, list[int]] = defaultdict(list)
    for number, line in enumerate(file, start=1):
        cells = line.decode(errors="replace").split(layout.delimiter)
        if len(cells) > place:
            key = cells[place].strip(' \t\r\n"\N{NO-BREAK SPACE}').upper(), ""
            if key in keys:
                found[key].append(number)
    return found


def _whole_lines(file: IO[bytes]) -> Iterator[bytes]:
    """Chunks that end with a line end; the last line gets one when it has none."""
    rest = b""
    for chunk in read_ahead(file, CHUNK):
        end = chunk.rfind(b"\n") + 1
        if end:
            yield rest + chunk[:end]
            rest = chunk[end:]
        else:
            rest += chunk
            if len(rest) > LONGEST_LINE:
                raise UnreadableList(f"no CSV: a line of more than {LONGEST_LINE} bytes")
    if rest:
        yield rest + b"\n"
