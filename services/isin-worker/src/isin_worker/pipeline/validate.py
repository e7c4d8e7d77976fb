"""Validate: a row as a listing that may be published, or the reason why not."""

from collections.abc import Mapping
from dataclasses import dataclass

from extractor import is_valid_isin
from isin_worker.feeds import Feed
from isin_worker.isin import fault_of
from isin_worker.pipeline.batches import NO_ISIN, Refused
from servicekit.schemas import clean_text

MAX_TEXT = 1000
PLACEHOLDERS = frozenset({"", "-", "NA", "N.A.", "N/A", "0", "NULL", "NONE"})
FIELDS = ("name", "type", "currency", "lei")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the cells of the declared columns by field, or ``fault`` when its cells do not fit the header."""

    number: int  # the line of the file that it ends on, as people count
    cells: Mapping[str, str]
    raw: str
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """What a list says of one ISIN; ``fields`` are those that every feed may have, by ``FIELDS``."""

    number: int
    isin: str
    fields: tuple[str | None, ...]
    details: Mapping[str, str]


def check(row: Row, feed: Feed) -> Entry | Refused:
    """The row's entry, in the form in which two editions of a list are compared: trimmed, runs of blanks made one."""
    if row.fault is not None:
        return _refuse(row, row.fault)
    try:
        cells = {field: " ".join(clean_text(cell).split()) for field, cell in row.cells.items()}
    except ValueError as error:
        return _refuse(row, str(error))
    if any(len(cell) > MAX_TEXT for cell in cells.values()):
        return _refuse(row, f"a cell of more than {MAX_TEXT} characters")
    isin = cells["isin"].upper()
    if isin in PLACEHOLDERS:
        return _refuse(row, NO_ISIN)
    if not is_valid_isin(isin):
        return _refuse(row, fault_of(isin).text)
    fields = tuple(feed.constants.get(field) or cells.get(field) or None for field in FIELDS)
    return Entry(row.number, isin, fields, {field: cells[field] for field in feed.details if cells[field]})


def _refuse(row: Row, reason: str) -> Refused:
    # Postgres holds neither NUL nor what was no UTF-8.
    printable = row.raw.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()
    return Refused(row.number, reason, printable)
