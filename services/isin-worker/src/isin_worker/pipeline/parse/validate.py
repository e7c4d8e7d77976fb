"""Validate: a row as listings that may be published, or the reason why not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from extractor import is_valid_isin
from isin_worker.feeds import Feed
from isin_worker.isin import fault_of
from isin_worker.pipeline.batches import NO_ISIN, Refused
from isin_worker.pipeline.parse.rows import FURTHER_ISIN, Row
from servicekit.schemas import clean_text

MAX_TEXT = 1000
PLACEHOLDERS = frozenset({"", "-", "NA", "N.A.", "N/A", "0", "NULL", "NONE"})
FIELDS = ("name", "type", "currency", "lei")


@dataclass(frozen=True, slots=True)
class Entry:
    """What a list says of one ISIN; ``fields`` are those that every feed may have, by ``FIELDS``."""

    number: int
    isin: str
    fields: tuple[str | None, ...]
    details: Mapping[str, str]


def check(row: Row, feed: Feed) -> Iterator[Entry | Refused]:
    """The row's entry, or entries when it has several ISINs: trimmed, with runs of blanks made one.

    That is the form in which two editions of a list are compared.
    """
    if row.fault is not None:
        yield refuse(row.number, row.fault, row.raw)
        return
    try:
        cells = {field: " ".join(clean_text(cell).split()) for field, cell in row.cells.items()}
    except ValueError as error:
        yield refuse(row.number, str(error), row.raw)
        return
    if any(len(cell) > MAX_TEXT for cell in cells.values()):
        yield refuse(row.number, f"a cell of more than {MAX_TEXT} characters", row.raw)
        return
    isins = [cells[field].upper() for field in cells if field == "isin" or field.startswith(FURTHER_ISIN)]
    given = [isin for isin in isins if isin not in PLACEHOLDERS and isin not in feed.placeholders]
    if not given:
        yield refuse(row.number, NO_ISIN, row.raw)
    fields = tuple(feed.constants.get(field) or cells.get(field) or None for field in FIELDS)
    details = {field: cells[field] for field in feed.details if cells[field]}
    for isin in given:
        if is_valid_isin(isin):
            yield Entry(row.number, isin, fields, details)
    if faults := [fault_of(isin).text for isin in given if not is_valid_isin(isin)]:
        yield refuse(row.number, "; ".join(faults), row.raw)


def refuse(number: int, reason: str, raw: str) -> Refused:
    """A row that is not published. Postgres holds neither NUL nor what was no text, so they are replaced."""
    printable = raw.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()
    return Refused(number, reason, printable)
