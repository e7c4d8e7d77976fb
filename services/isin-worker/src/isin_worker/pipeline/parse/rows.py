"""Rows by the names of their columns, whatever a list is written in."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from isin_worker.errors import HeaderDrift
from isin_worker.feeds import Feed

MAX_RAW = 500
FURTHER_ISIN = "isin of more_isins"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the cells of the declared columns by field, or ``fault`` when its cells do not fit the header."""

    number: int  # the line of the file that it ends on, or the record, as people count
    cells: Mapping[str, str]
    raw: str
    fault: str | None = None


def wanted_columns(feed: Feed) -> Mapping[str, str]:
    """The columns that are read, by field."""
    further = {f"{FURTHER_ISIN} {place}": name for place, name in enumerate(feed.more_isins)}
    return {**feed.columns, **feed.details, **further}


class Header:
    """Where each wanted field is, by the name above its column: columns may move, and names may have blanks around.

    Raises HeaderDrift when a wanted column is missing, or there more than once.
    """

    def __init__(self, names: Sequence[str], wanted: Mapping[str, str]) -> None:
        folded = [fold(name) for name in names]
        if missing := [name for name in wanted.values() if fold(name) not in folded]:
            raise HeaderDrift(f"the header has no column {', '.join(missing)}")
        if doubled := [name for name in wanted.values() if folded.count(fold(name)) > 1]:
            raise HeaderDrift(f"the header has more than one column {', '.join(doubled)}")
        self.width = len(names)
        self._places = {field: folded.index(fold(name)) for field, name in wanted.items()}

    def row(self, number: int, cells: Sequence[str], *, raw: str) -> Row:
        """The row of these cells. Blank cells beyond the header are harmless: some lists end each line with a comma."""
        if len(cells) < self.width or any(cell.strip() for cell in cells[self.width :]):
            return Row(number, {}, raw, f"{len(cells)} cells under a header of {self.width}")
        return Row(number, {field: cells[place] for field, place in self._places.items()}, raw)


def find_header(lines: Iterator[Sequence[str]], wanted: Mapping[str, str], within: int) -> Header:
    """The first of the lines that is a header. Raises HeaderDrift, which tells of the one that came nearest."""
    nearest = HeaderDrift(f"the header has no column {', '.join(wanted.values())}")
    fewest = len(wanted)
    for cells in islice(lines, within):
        try:
            return Header(cells, wanted)
        except HeaderDrift as drift:
            lacking = len({fold(name) for name in wanted.values()} - {fold(cell) for cell in cells})
            if lacking < fewest:
                fewest, nearest = lacking, drift
    raise nearest


def records_as_rows(records: Iterable[Mapping[str, str]], wanted: Mapping[str, str]) -> Iterator[Row]:
    """Rows of records that name their cells each by itself, and leave out those that are empty.

    The names of ``records`` are folded. Raises HeaderDrift after the last one when a wanted name never came.
    """
    names = {field: fold(name) for field, name in wanted.items()}
    unseen = dict(names)
    for number, record in enumerate(records, start=1):
        if unseen:
            unseen = {field: name for field, name in unseen.items() if name not in record}
        cells = {field: record.get(name, "") for field, name in names.items()}
        yield Row(number, cells, "; ".join(f"{name}={text}" for name, text in record.items())[:MAX_RAW])
    if unseen:
        raise HeaderDrift(f"no record has {', '.join(wanted[field] for field in unseen)}")


def fold(name: str) -> str:
    """A name as names are compared."""
    return " ".join(name.split()).casefold()
