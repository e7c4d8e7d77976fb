"""Parse: the rows of a file, of any format, as batches of text for COPY."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO

from isin_worker.errors import UnreadableList
from isin_worker.feeds import Feed
from isin_worker.feeds.formats import Csv, Firds, Json, Xlsx, Xml
from isin_worker.pipeline.batches import Batch, Key, Mode, Refused, StageLayout, Statement
from isin_worker.pipeline.parse import firds
from isin_worker.pipeline.parse.codes import Codes, codes_layout, lines_of
from isin_worker.pipeline.parse.content import DAMAGED, open_content
from isin_worker.pipeline.parse.copy_text import EVERY_FIELD, entry_line
from isin_worker.pipeline.parse.csv_rows import CsvRows
from isin_worker.pipeline.parse.json_rows import json_rows
from isin_worker.pipeline.parse.rows import Row
from isin_worker.pipeline.parse.statement import StatedLine, stated_in_json, stated_in_xml
from isin_worker.pipeline.parse.validate import check
from isin_worker.pipeline.parse.xlsx_rows import xlsx_rows
from isin_worker.pipeline.parse.xml_rows import xml_rows

BATCH_ROWS = 2000
Stated = Callable[[], int | None]
"""Says how many rows a list says that it has, once all of them were read."""


@dataclass(slots=True)
class Numbering:
    """The number of the next record: those of a run's files go on from file to file."""

    next: int = 1


class FileRows:
    """The rows of a file in the spool folder. It blocks while it reads, so it belongs in a thread.

    Raises UnreadableList and OSError, at first and while it is iterated over.
    """

    def __init__(self, feed: Feed, path: Path, mode: Mode = "full", numbering: Numbering | None = None) -> None:
        self._feed = feed
        self._path = path
        self._mode = mode
        self._numbering = numbering or Numbering()
        self._first = self._numbering.next  # the number of its first record, once it was read

    @property
    def layout(self) -> StageLayout:
        """What the text of each batch is; a look at the file may be needed to say it."""
        match self._feed.format:
            case Firds():
                return firds.FULL if self._mode == "full" else firds.CHANGES
            case Csv() as form:
                with _damage_told(), open_content(self._path, self._feed.max_unpacked) as file:
                    return codes_layout(file, self._feed, form) or EVERY_FIELD
            case _:
                return EVERY_FIELD

    def __iter__(self) -> Iterator[Batch]:
        """The batches, from the file's first row to its last."""
        with _damage_told():
            if isinstance(self._feed.format, Xlsx):  # a zip in which a reader goes to and fro
                yield from self._workbook(self._feed.format)
            else:
                yield from self._read(self._feed.format)

    def places_of(self, keys: Collection[Key]) -> Mapping[Key, Sequence[int]]:
        """Where these stand in a list of bare codes, or in FIRDS; of any other list the batches say it."""
        layout = self.layout
        if layout is EVERY_FIELD:
            return {}
        with _damage_told(), open_content(self._path, self._feed.max_unpacked) as file:
            if isinstance(self._feed.format, Firds):
                return firds.FirdsReader(self._mode, self._feed.format.categories, self._first).places_of(file, keys)
            return lines_of(file, layout, keys)

    def _workbook(self, form: Xlsx) -> Iterator[Batch]:
        line = StatedLine(form.stated, ";") if form.stated else None
        rows = xlsx_rows(self._path, self._feed, form, line)
        yield from _checked(rows, self._feed, line.said if line else None)

    def _read(self, form: Csv | Json | Xml | Firds) -> Iterator[Batch]:
        feed, layout = self._feed, self.layout
        with open_content(self._path, feed.max_unpacked) as file:
            match form:
                case Csv() if layout is not EVERY_FIELD:
                    yield from Codes(feed, form, layout).batches(file)
                case Csv():
                    line = StatedLine(form.stated, form.delimiter) if form.stated else None
                    with closing(CsvRows(file, feed, form, line)) as rows:
                        yield from _checked(rows, feed, line.said if line else None)
                case Json():
                    yield from _checked(json_rows(file, feed, form), feed, self._finder(stated_in_json, form.stated))
                case Xml():
                    yield from _checked(xml_rows(file, feed, form), feed, self._finder(stated_in_xml, form.stated))
                case Firds():
                    self._first = self._numbering.next
                    reader = firds.FirdsReader(self._mode, form.categories, self._first)
                    yield from reader.batches(file)
                    self._numbering.next = reader.number

    def _finder(self, find: Callable[[IO[bytes], str], int | None], place: str | None) -> Stated | None:
        """What looks at ``place`` in the file, which may be before the rows or after them."""
        return partial(self._find, find, place) if place else None

    def _find(self, find: Callable[[IO[bytes], str], int | None], place: str) -> int | None:
        with open_content(self._path, self._feed.max_unpacked) as file:
            return find(file, place)


def _checked(rows: Iterable[Row], feed: Feed, stated: Stated | None = None) -> Iterator[Batch]:
    """The rows, checked, some at a time; then how many there are beside how many are ``stated``."""
    remaining, counted = iter(rows), 0
    while some := list(islice(remaining, BATCH_ROWS)):
        counted += len(some)
        results = [result for row in some for result in check(row, feed)]
        refused = [result for result in results if isinstance(result, Refused)]
        copy = "".join([entry_line(result) for result in results if not isinstance(result, Refused)])
        yield Batch(copy.encode(), len(results), refused)
    if stated is not None:
        yield Batch(b"", 0, statement=Statement(stated(), counted))


@contextmanager
def _damage_told() -> Iterator[None]:
    try:
        yield
    except DAMAGED as error:
        raise UnreadableList(f"the zip is damaged: {str(error) or 'it ends too early'}") from error
