"""Rows of an XML file: one for each element of a name."""

from collections.abc import Iterator, Mapping
from typing import IO

from isin_worker.errors import UnreadableList
from isin_worker.feeds import Feed
from isin_worker.feeds.formats import Xml
from isin_worker.pipeline.parse.rows import Row, records_as_rows, wanted_columns
from isin_worker.pipeline.parse.xml_stream import read_xml

LONGEST_RECORD = 64 * 1024
"""Characters of text and of paths."""


def xml_rows(file: IO[bytes], feed: Feed, form: Xml) -> Iterator[Row]:
    """The rows, numbered by record. Raises UnreadableList, and HeaderDrift when no record has a declared column."""
    return records_as_rows(read_xml(file, RecordHandler(form.record)), wanted_columns(feed))


class RecordHandler:
    """Gathers the texts below each element named ``record``, by their paths; of a path that comes again, the first."""

    def __init__(self, record: str) -> None:
        self._record = record.casefold()
        self._path: list[str] = []  # below the record; its own name is the first
        self._cells: dict[str, str] = {}
        self._texts: list[str] = []
        self._size = 0
        self._found: list[Mapping[str, str]] = []

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """A record begins, or an element in one."""
        if not self._path and name.casefold() != self._record:
            return
        self._path.append(name.casefold())
        self._texts = []
        for key, value in attributes.items():
            self._keep([*self._path[1:], f"@{key.casefold()}"], value)

    def text(self, text: str) -> None:
        """Some text of the element that began last."""
        if self._path:
            self._texts.append(text)
            self._grow(len(text))

    def end(self, name: str) -> None:  # noqa: ARG002 - the parser sees to it that names match
        """A record ends, or an element in one."""
        if not self._path:
            return
        if text := "".join(self._texts).strip():
            self._keep(self._path[1:], text)
        self._texts = []
        self._path.pop()
        if not self._path:
            self._found.append(self._cells)
            self._cells, self._size = {}, 0

    def take(self) -> list[Mapping[str, str]]:
        """The records that ended."""
        found, self._found = self._found, []
        return found

    def _keep(self, path: list[str], text: str) -> None:
        joined = "/".join(path)
        self._grow(len(joined))
        self._cells.setdefault(joined, text)

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > LONGEST_RECORD:
            raise UnreadableList(f"a record of more than {LONGEST_RECORD} characters")
