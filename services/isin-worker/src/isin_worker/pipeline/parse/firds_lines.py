"""The lines of many FIRDS records at once, for records of the shape that almost all of them have.

Such a record begins with the same tags in the same order. Between them stand three texts of any length (and in a file
of changes what was done); all else is as wide as in every other record. So where a record begins and where these texts
end says where its fields are, and the tags around them are compared, eight bytes at a time. All records of a mebibyte
are walked through side by side, in some dozens of calls of numpy and without an object for any of them.
"""

import re
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from isin_worker import check_digits

Bytes: TypeAlias = NDArray[np.uint8]
Places: TypeAlias = NDArray[np.intp]
Truths: TypeAlias = NDArray[np.bool_]

OPERATIONS = {"NewRcrd": "new", "ModfdRcrd": "modified", "TermntdRcrd": "terminated", "CancRcrd": "cancelled"}
"""What is done to a record, as FIRDS says it and as it is stored."""
SEPARATOR = b"\0"
"""Stands between the fields of a line: a byte that no XML has."""

_LONGEST_NAME, _LONGEST_SHORT_NAME, _LONGEST_WORD = 128, 48, 16
_WORD = 8  # bytes that are compared at once


class Records(NamedTuple):
    """Where records begin and end."""

    starts: Places
    ends: Places


class Lines(NamedTuple):
    """A line for each record: its fields with ``SEPARATOR`` between them, and a line end.

    Those that are ``plain`` can be stored. Those that only ``fit`` have the right fields as they stand in the file, and
    in one of them something that must be looked at; the others mean nothing.
    """

    text: bytes
    ends: Places
    fit: Truths
    plain: Truths


def find_records(chunk: bytes, element: str) -> Records | None:
    """Where the elements of this name are; None if they don't follow one another as records do."""
    name = f"{element}>".encode()
    content = np.frombuffer(chunk, dtype=np.uint8)
    before = np.flatnonzero(content[1 : len(chunk) + 1 - len(name)] == name[0])  # what stands before that letter
    last = before + 1 + len(name) - _WORD
    before = before[_windows(chunk, "<u8")[last] == int.from_bytes(name[-_WORD:], "little")]
    opening = content[before] == ord("<")
    closing = (content[before] == ord("/")) & (content[before - 1] == ord("<"))
    starts, ends = before[opening], before[closing] + 1 + len(name)
    if len(starts) != len(ends) or (starts > ends).any() or (ends[:-1] > starts[1:]).any():
        return None
    return Records(starts, ends)


def lines_of(chunk: bytes, starts: Places, categories: str | None) -> Lines:
    """The lines of the records that begin there: ISIN, name, CFI code, currency, LEI and venue.

    With ``categories`` they are changes: what was done comes first, and none is plain of which the CFI code begins with
    a letter that is not among them.
    """
    walk = _Walk(chunk, starts)
    walk.over(_RECORD if categories is None else _CHANGE)
    columns = [] if categories is None else [walk.operation()]
    (isin,) = walk.over(_TO_NAME)
    name = walk.text(_LONGEST_NAME)
    walk.over(_TO_SHORT_NAME)
    walk.text(_LONGEST_SHORT_NAME)
    kind, currency = walk.over(_TO_INDICATOR)
    walk.text(_LONGEST_WORD)
    lei, venue = walk.over(_TO_VENUE)
    text, ends = _joined([*columns, isin, name, kind, currency, lei, venue])
    plain = walk.fits & check_digits.valid(np.ascontiguousarray(isin.cells).view("S12").reshape(-1))
    if categories is not None:
        plain &= np.isin(kind.cells[:, 0], [*categories.encode()])
    plain[np.searchsorted(ends, _special(text), side="right")] = False
    text[ends - 1] = ord("\n")
    return Lines(text.tobytes(), ends, walk.fits, plain)


class _Column(NamedTuple):
    """A field of every record, in rows as wide as the longest one; ``lengths`` when they are not all that long."""

    cells: Bytes
    lengths: Places | None = None


class _Stretch:
    """Bytes that are the same in every record, but for the fields in it, which are written as ``?``."""

    def __init__(self, text: str) -> None:
        padded = text.encode() + b"?" * (-len(text) % _WORD)
        self.size, self.width = len(text), len(padded)
        self.fields = [slice(*field.span()) for field in re.finditer(r"\?+", text)]
        counting = bytes(0 if byte == ord("?") else 255 for byte in padded)
        self._words, self._counting = (np.frombuffer(each, dtype="<u8")[:, np.newaxis] for each in (padded, counting))

    def fits(self, rows: Bytes) -> Truths:
        """Which rows are these bytes."""
        words = np.ascontiguousarray(rows.view("<u8").T)  # numpy is three times as quick along the longer axis
        fitting: Truths = ~((words ^ self._words) & self._counting).any(axis=0)
        return fitting


_RECORD, _CHANGE = _Stretch("<RefData>"), _Stretch("<FinInstrm><")
_TO_NAME = _Stretch(f"<FinInstrmGnlAttrbts><Id>{'?' * 12}</Id><FullNm>")
_TO_SHORT_NAME = _Stretch("</FullNm><ShrtNm>")
_TO_INDICATOR = _Stretch(f"</ShrtNm><ClssfctnTp>{'?' * 6}</ClssfctnTp><NtnlCcy>{'?' * 3}</NtnlCcy><CmmdtyDerivInd>")
_TO_VENUE = _Stretch(
    f"</CmmdtyDerivInd></FinInstrmGnlAttrbts><Issr>{'?' * 20}</Issr><TradgVnRltdAttrbts><Id>{'?' * 4}</Id>"
)
_OPERATION_WORDS = np.array([int.from_bytes(f"{tag}>".encode()[:_WORD], "little") for tag in OPERATIONS], dtype="<u8")
_OPERATION_SIZES = np.array([len(tag) + 1 for tag in OPERATIONS], dtype=np.intp)
_OPERATION_CELLS = np.array([*OPERATIONS.values()], dtype="S").view(np.uint8).reshape(len(OPERATIONS), -1)
_OPERATION_LENGTHS = np.array([len(operation) for operation in OPERATIONS.values()], dtype=np.intp)


class _Walk:
    """Goes through all records at the same time; ``fits`` says which of them were as usual so far."""

    def __init__(self, chunk: bytes, at: Places) -> None:
        self._chunk = chunk.ljust(_TO_VENUE.width + _LONGEST_NAME)
        self._at = at
        self.fits: Truths = np.ones(len(at), dtype=np.bool_)

    def over(self, stretch: _Stretch) -> list[_Column]:
        """The fields of the stretch that must stand here."""
        rows = self._rows(stretch.width)
        self.fits &= stretch.fits(rows)
        self._at = self._at + stretch.size
        return [_Column(rows[:, field]) for field in stretch.fields]

    def text(self, longest: int) -> _Column:
        """The text that stands here. One that is longer seems to be empty, so that what should follow it does not."""
        rows = self._rows(longest)
        lengths = (rows == ord("<")).argmax(axis=1)
        self._at = self._at + lengths
        return _Column(rows[:, : int(lengths.max(initial=0))], lengths)

    def operation(self) -> _Column:
        """What was done, in our word for it."""
        known = self._rows(_WORD).view("<u8") == _OPERATION_WORDS
        which = known.argmax(axis=1)
        self.fits &= known.any(axis=1)
        self._at = self._at + _OPERATION_SIZES[which]
        return _Column(_OPERATION_CELLS[which], _OPERATION_LENGTHS[which])

    def _rows(self, width: int) -> Bytes:
        windows = _windows(self._chunk, f"V{width}")
        return windows[np.minimum(self._at, len(windows) - 1)].view(np.uint8).reshape(-1, width)


def _windows(chunk: bytes, kind: str) -> NDArray[np.generic]:
    """What stands at each place of the chunk, so many bytes of it."""
    dtype = np.dtype(kind)
    return np.ndarray((len(chunk) + 1 - dtype.itemsize,), dtype, chunk, strides=(1,))


def _joined(columns: list[_Column]) -> tuple[Bytes, Places]:
    """The columns side by side, and where each line ends."""
    count, width = len(columns[0].cells), sum(column.cells.shape[1] + 1 for column in columns)
    rows = np.zeros((count, width), dtype=np.uint8)  # zeros are separators
    kept = np.ones((count, width), dtype=np.bool_)
    lengths = np.full(count, width, dtype=np.intp)
    start = 0
    for cells, given in columns:
        end = start + cells.shape[1]
        rows[:, start:end] = cells
        if given is not None:
            kept[:, start:end] = np.arange(end - start) < given[:, np.newaxis]
            lengths -= end - start - given
        start = end + 1
    return rows[kept], np.cumsum(lengths)


def _special(text: Bytes) -> Places:
    """Where something stands that can't be stored as it is, or a blank beside another one or at an end of a field."""
    ends = text == 0
    gaps = ends | (text == ord(" "))
    special = (text - ord(" ") > ord("~") - ord(" ")) ^ ends  # what is below a blank wraps to above
    special |= (text == ord("&")) | (text == ord("\\"))
    special[1:] |= gaps[1:] & gaps[:-1]
    return np.flatnonzero(special)
