"""Rows of a sheet of a workbook (ECMA-376), a little at a time.

What a sheet says of its own size is not looked at: some publishers' say 8 rows, and there are 18,000.
"""

import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from posixpath import join, normpath
from typing import IO

from isin_worker.errors import UnreadableList
from isin_worker.feeds import Feed
from isin_worker.feeds.formats import Xlsx
from isin_worker.pipeline.parse.content import open_entry, open_zip
from isin_worker.pipeline.parse.rows import MAX_RAW, Row, find_header, wanted_columns
from isin_worker.pipeline.parse.statement import StatedLine
from isin_worker.pipeline.parse.xml_rows import RecordHandler
from isin_worker.pipeline.parse.xml_stream import read_xml

MAX_COLUMNS = 500
MAX_CELL = 32_767
"""Characters, the format's own limit."""
MAX_SHARED = 32 * 1024 * 1024
"""Bytes that the texts may unpack to which cells refer to: these are all kept."""
_COLUMN = re.compile(r"([A-Z]{1,3})\d+", re.ASCII)
_WORKBOOK = "xl/workbook.xml"


def xlsx_rows(path: Path, feed: Feed, form: Xlsx, stated: StatedLine | None = None) -> Iterator[Row]:
    """The rows below the header; blank ones, and the line that is ``stated``, are left out.

    Raises UnreadableList, and HeaderDrift.
    """
    with open_zip(path) as archive:
        shared = _shared_texts(archive)
        with _open(archive, _sheet_name(archive, form.sheet), feed.max_unpacked) as file:
            every = read_xml(file, _SheetHandler(shared))
            lines = ((number, cells) for number, cells in every if stated is None or not stated.is_in(cells))
            header = find_header((cells for _, cells in lines), wanted_columns(feed), form.header_within)
            for number, cells in lines:
                if any(cell.strip() for cell in cells):
                    padded = [*cells, *[""] * (header.width - len(cells))]  # empty cells at the end are left out
                    yield header.row(number, padded, raw=";".join(cells)[:MAX_RAW])


def _open(archive: zipfile.ZipFile, name: str, max_unpacked: int) -> IO[bytes]:
    try:
        return open_entry(archive, archive.getinfo(name), max_unpacked)
    except KeyError as error:
        raise UnreadableList(f"no workbook: it has no {name}") from error


def _sheet_name(archive: zipfile.ZipFile, sheet: int) -> str:
    """Which file of the archive the sheet is."""
    with _open(archive, _WORKBOOK, MAX_SHARED) as file:
        sheets = list(read_xml(file, RecordHandler("sheet")))
    if sheet > len(sheets):
        raise UnreadableList(f"the workbook has {len(sheets)} sheets")
    with _open(archive, "xl/_rels/workbook.xml.rels", MAX_SHARED) as file:
        targets = {link.get("@id"): link.get("@target", "") for link in read_xml(file, RecordHandler("Relationship"))}
    return normpath(join("xl", targets.get(sheets[sheet - 1].get("@id"), ""))).lstrip("/")


def _shared_texts(archive: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    with _open(archive, "xl/sharedStrings.xml", MAX_SHARED) as file:
        return list(read_xml(file, _SharedHandler()))


class _SharedHandler:
    """Gathers the texts, each of which may be in runs of different looks."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._in_text = False
        self._found: list[str] = []

    def start(self, name: str, attributes: Mapping[str, str]) -> None:  # noqa: ARG002 - none matters
        if name == "si":
            self._parts = []
        self._in_text = name == "t"

    def text(self, text: str) -> None:
        if self._in_text:
            self._parts.append(text)

    def end(self, name: str) -> None:
        self._in_text = False
        if name == "si":
            self._found.append("".join(self._parts))

    def take(self) -> list[str]:
        found, self._found = self._found, []
        return found


class _SheetHandler:
    """Gathers the cells of each row, with the row's number."""

    def __init__(self, shared: list[str]) -> None:
        self._shared = shared
        self._number = 0
        self._cells: list[str] = []
        self._kind = ""
        self._place = 0
        self._parts: list[str] = []
        self._in_text = False
        self._found: list[tuple[int, list[str]]] = []

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "row":
            stated = attributes.get("r", "")
            self._number = int(stated) if stated.isascii() and stated.isdigit() else self._number + 1
            self._cells = []
        elif name == "c":
            self._kind = attributes.get("t", "n")
            self._place = _place(attributes.get("r", ""), len(self._cells))
            self._parts = []
        self._in_text = name in {"v", "t"}

    def text(self, text: str) -> None:
        if self._in_text and sum(map(len, self._parts)) < MAX_CELL:
            self._parts.append(text)

    def end(self, name: str) -> None:
        self._in_text = False
        if name == "c" and self._parts:
            self._cells += [""] * (self._place + 1 - len(self._cells))
            self._cells[self._place] = self._value()
        elif name == "row":
            self._found.append((self._number, self._cells))

    def take(self) -> list[tuple[int, list[str]]]:
        found, self._found = self._found, []
        return found

    def _value(self) -> str:
        text = "".join(self._parts)
        if self._kind != "s":
            return text
        try:
            return self._shared[int(text)]
        except (ValueError, IndexError) as error:
            raise UnreadableList(
                f"no workbook: a cell of row {self._number} refers to a text that is not there"
            ) from error


def _place(reference: str, following: int) -> int:
    """The column of a cell, from 0: by its reference, or the one after the cell before it."""
    found = _COLUMN.fullmatch(reference)
    place = following
    if found:
        place = -1
        for letter in found[1]:
            place = (place + 1) * 26 + ord(letter) - ord("A")
    if place >= MAX_COLUMNS:
        raise UnreadableList(f"no workbook that is read here: more than {MAX_COLUMNS} columns")
    return place
