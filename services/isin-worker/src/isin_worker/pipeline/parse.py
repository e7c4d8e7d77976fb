"""Parse: a CSV file as rows by column name, a little at a time, and as batches of text for COPY."""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from isin_worker.errors import HeaderDrift, UnreadableList
from isin_worker.feeds import Feed
from isin_worker.pipeline.batches import Batch, Refused, StageLayout
from isin_worker.pipeline.validate import FIELDS, Entry, Row, check

MAX_RAW = 500
BATCH_ROWS = 2000
_LAYOUT = StageLayout(("number", "isin", *FIELDS, "details"))


@dataclass(frozen=True, slots=True)
class CsvList:
    """The rows of a CSV file, checked."""

    path: Path
    feed: Feed

    @property
    def layout(self) -> StageLayout:
        """All that a list can have."""
        return _LAYOUT

    def __iter__(self) -> Iterator[Batch]:
        """The batches. Raises UnreadableList when it is no CSV, and HeaderDrift when a column is missing."""
        rows = read_rows(self.path, self.feed)
        while some := list(islice(rows, BATCH_ROWS)):
            checked = [check(row, self.feed) for row in some]
            refused = [result for result in checked if isinstance(result, Refused)]
            lines = "".join([_line(result) for result in checked if isinstance(result, Entry)])
            yield Batch(lines.encode(), len(checked), refused)


def read_rows(path: Path, feed: Feed) -> Iterator[Row]:
    """The rows of the file; blank ones are left out. Bytes that are not UTF-8 arrive as lone surrogates.

    Raises UnreadableList when it is no CSV, and HeaderDrift when it lacks a declared column.
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
        raise HeaderDrift(f"the header has no column {', '.join(missing)}")
    if doubled := [name for name in wanted.values() if names.count(name.casefold()) > 1]:
        raise HeaderDrift(f"the header has more than one column {', '.join(doubled)}")
    return {field: names.index(name.casefold()) for field, name in wanted.items()}


def _row(number: int, cells: list[str], width: int, places: Mapping[str, int]) -> Row:
    raw = ",".join(cells)[:MAX_RAW]
    if len(cells) < width:
        return Row(number, {}, raw, f"{len(cells)} cells under a header of {width}")
    if any(cell.strip() for cell in cells[width:]):  # a comma at the end of each line is harmless
        return Row(number, {}, raw, f"{len(cells)} cells under a header of {width}")
    return Row(number, {field: cells[place] for field, place in places.items()}, raw)


def _line(entry: Entry) -> str:
    details = json.dumps(entry.details, ensure_ascii=False)
    return "\t".join([str(entry.number), entry.isin, *map(_cell, entry.fields), _cell(details)]) + "\n"


def _cell(value: str | None) -> str:
    r"""A value in COPY's text format: ``\N`` for null, and the four characters that mean something escaped."""
    if value is None:
        return r"\N"
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
