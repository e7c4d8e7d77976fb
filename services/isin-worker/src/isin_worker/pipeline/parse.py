"""Parse: a CSV file as rows by column name, a little at a time."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from isin_worker.errors import UnreadableList
from isin_worker.feeds import Feed

MAX_RAW = 500


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the cells of the declared columns by field, or ``fault`` when its cells do not fit the header."""

    number: int  # the line of the file that it ends on, as people count
    cells: Mapping[str, str]
    raw: str
    fault: str | None = None


def read_rows(path: Path, feed: Feed) -> Iterator[Row]:
    """The rows of the file; blank ones are left out. Bytes that are not UTF-8 arrive as lone surrogates.

    Raises UnreadableList when it is no CSV or lacks a declared column.
    """
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = csv.reader(file)
        try:
            header = next(reader, [])
            places = _places(header, {**feed.columns, **feed.details})
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield _row(reader.line_num, cells, len(header), places)
        except csv.Error as error:
            raise UnreadableList(f"no CSV from line {reader.line_num} on: {error}") from error


def _places(header: list[str], wanted: Mapping[str, str]) -> dict[str, int]:
    """Where each wanted field is, by the name above its column: columns may move, and names may have blanks around."""
    names = [name.strip().casefold() for name in header]
    if missing := [name for name in wanted.values() if name.casefold() not in names]:
        raise UnreadableList(f"the header has no column {', '.join(missing)}")
    if doubled := [name for name in wanted.values() if names.count(name.casefold()) > 1]:
        raise UnreadableList(f"the header has more than one column {', '.join(doubled)}")
    return {field: names.index(name.casefold()) for field, name in wanted.items()}


def _row(number: int, cells: list[str], width: int, places: Mapping[str, int]) -> Row:
    raw = ",".join(cells)[:MAX_RAW]
    if len(cells) < width:
        return Row(number, {}, raw, f"{len(cells)} cells under a header of {width}")
    if any(cell.strip() for cell in cells[width:]):  # a comma at the end of each line is harmless
        return Row(number, {}, raw, f"{len(cells)} cells under a header of {width}")
    return Row(number, {field: cells[place] for field, place in places.items()}, raw)
