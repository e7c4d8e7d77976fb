"""FIRDS: messages of half a million records on one line, read by one expression a mebibyte at a time.

An XML parser makes events of thirty tags a record, of which seven matter. The expression takes these seven out of a
record that looks as almost all do, and its findings are counted: when they are not as many as the records that end in
the same bytes, or these are no UTF-8, that mebibyte is read by the XML parser, record by record if it must be. A
document of another shape is so read more slowly, and not otherwise.
"""

import io
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

import numpy as np

from isin_worker import check_digits
from isin_worker.errors import UnreadableList
from isin_worker.feeds.source import Mode
from isin_worker.isin import verdict
from isin_worker.pipeline.batches import Batch, Refused, StageLayout
from isin_worker.pipeline.parse.content import read_ahead
from isin_worker.pipeline.parse.copy_text import escaped
from isin_worker.pipeline.parse.rows import MAX_RAW
from isin_worker.pipeline.parse.validate import MAX_TEXT, refuse
from isin_worker.pipeline.parse.xml_rows import RecordHandler
from isin_worker.pipeline.parse.xml_stream import read_xml
from servicekit.schemas import clean_text

FULL = StageLayout(columns=("isin", "name", "type", "currency", "lei", "venue"))
CHANGES = StageLayout(columns=("op", *FULL.columns))
CHUNK = 1024 * 1024
LONGEST_RECORD = 256 * 1024

_FIELDS = (
    rb"<FinInstrmGnlAttrbts><Id>([A-Z0-9]{12})</Id><FullNm>([^<\n]{1,350}+)</FullNm>(?:<ShrtNm>[^<]*+</ShrtNm>)?+"
    rb"<ClssfctnTp>([A-Z]{6})</ClssfctnTp><NtnlCcy>([A-Z]{3})</NtnlCcy>"
    rb"(?:<CmmdtyDerivInd>[a-z]++</CmmdtyDerivInd>)?+</FinInstrmGnlAttrbts>"
    rb"<Issr>([A-Z0-9]{20})</Issr><TradgVnRltdAttrbts><Id>([A-Z0-9]{4})</Id>"
)
_RECORD = re.compile(rb"<RefData>" + _FIELDS)
_CHANGE = re.compile(rb"<FinInstrm><(New|Modfd|Termntd|Canc)Rcrd>" + _FIELDS)
_OPERATIONS = {"new": "new", "modfd": "modified", "termntd": "terminated", "canc": "cancelled"}
_PATHS = (
    "fininstrmgnlattrbts/id",
    "fininstrmgnlattrbts/fullnm",
    "fininstrmgnlattrbts/clssfctntp",
    "fininstrmgnlattrbts/ntnlccy",
    "issr",
    "tradgvnrltdattrbts/id",
)
_PLAIN = np.zeros(256, dtype=np.bool_)
"""Bytes that are the same in a name, in COPY's text and in XML."""
_PLAIN[ord(" ") : ord("~") + 1] = True
_PLAIN[[ord("\n"), *b"&\\"]] = True, False, False
_ENTITY = re.compile(r"&(?:(amp|lt|gt|quot|apos)|#([0-9]{1,7})|#x([0-9A-Fa-f]{1,6}));")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_NO_TEXT = "no XML: an ampersand that stands for nothing"
_CLOSING = re.compile(rb"\s*(?:</[^<>]+>\s*)+")
_ENCODING = re.compile(rb"""<\?xml[^>]*encoding\s*=\s*["'](?!utf-8)""", re.IGNORECASE)


class FirdsReader:
    """The records of one file of a run; ``number`` is that of the next record, and goes on from file to file.

    ``categories`` are the first letters of the CFI codes whose changes are taken. A full file has one category.
    """

    def __init__(self, mode: Mode, categories: str, number: int = 1) -> None:
        self.number = number
        self._categories = categories
        self._full = mode == "full"
        self._record = _RECORD if self._full else _CHANGE
        self._element = "RefData" if self._full else "FinInstrm"
        self._start, self._end = f"<{self._element}>".encode(), f"</{self._element}>".encode()

    def batches(self, file: IO[bytes]) -> Iterator[Batch]:
        """The records. Raises UnreadableList for what is no such message, or ends in the middle of one."""
        for chunk in self._whole_records(file):
            count = chunk.count(self._end)
            found = self._record.findall(chunk)
            if len(found) == count and b"\0" not in chunk and _is_utf8(chunk):
                yield self._quick_batch(found)
            else:
                yield self._slow_batch(chunk, count)
            self.number += count

    def _whole_records(self, file: IO[bytes]) -> Iterator[bytes]:
        """Chunks that begin with a record and end with one."""
        rest, started = b"", False
        for chunk in read_ahead(file, CHUNK):
            rest += chunk
            if not started and (start := rest.find(self._start)) >= 0:
                _require_readable(rest[:start])
                rest, started = rest[start:], True
            end = rest.rfind(self._end) + len(self._end)
            if started and end >= len(self._end):
                yield rest[:end]
                rest = rest[end:]
            elif len(rest) > LONGEST_RECORD + CHUNK:
                raise UnreadableList("no FIRDS: no record ends where one should")
        if not started:
            raise UnreadableList("no FIRDS: there is no record")
        if not _CLOSING.fullmatch(rest):
            raise UnreadableList("the file is cut off: it does not end after a record")

    def _quick_batch(self, found: Sequence[tuple[bytes, ...]]) -> Batch:
        """What the expression found: records of a full file as they are, unless something in them is special."""
        results: list[bytes | Refused | None] = list(map(b"\t".join, found))
        wrong, special = (_wrong_isins(found), _special_names(found)) if self._full else (range(len(found)), ())
        for place in special:
            isin, name, *rest = found[place]
            if tidied := _tidied(name):
                results[place] = b"\t".join([isin, tidied, *rest])
            else:
                results[place] = refuse(self.number + place, _NO_TEXT, b";".join(found[place]).decode()[:MAX_RAW])
        for place in wrong:
            operation, *fields = (cell.decode() for cell in (b"", *found[place])[-7:])
            results[place] = self._checked(self.number + place, operation, [_unescaped(field) for field in fields])
        return _batch_of(results)

    def _slow_batch(self, chunk: bytes, count: int) -> Batch:
        """The records as the XML parser reads them: all together or, when that fails, each by itself."""
        results: list[bytes | Refused | None] = []
        for number, (cells, raw) in enumerate(self._parsed(chunk, count), start=self.number):
            if cells is None:
                results.append(refuse(number, "no XML", raw))
                continue
            change = "" if self._full else next(iter(cells), "").partition("/")[0]
            fields = [cells.get(f"{change}/{path}".lstrip("/"), "") for path in _PATHS]
            results.append(self._checked(number, change.removesuffix("rcrd"), fields))
        return _batch_of(results)

    def _parsed(self, chunk: bytes, count: int) -> Iterator[tuple[Mapping[str, str] | None, str]]:
        pieces = [piece + self._end for piece in chunk.split(self._end)[:count]]
        raws = [piece[:MAX_RAW].decode(errors="replace") for piece in pieces]
        try:
            records: list[Mapping[str, str] | None] = [*self._read(chunk)]
        except UnreadableList:
            records = []
        if len(records) != count:
            records = [self._read_one(piece) for piece in pieces]
        yield from zip(records, raws, strict=True)

    def _read_one(self, piece: bytes) -> Mapping[str, str] | None:
        try:
            records = list(self._read(piece))
        except UnreadableList:
            return None
        return records[0] if len(records) == 1 else None

    def _read(self, records: bytes) -> Iterator[Mapping[str, str]]:
        return read_xml(io.BytesIO(b"<records>" + records + b"</records>"), RecordHandler(self._element))

    def _checked(self, number: int, change: str, fields: Sequence[str | None]) -> bytes | Refused | None:
        """The record's line, why it has none, or None when its category is not wanted. A field of None is no XML."""
        raw = ";".join([field or "" for field in fields])[:MAX_RAW]
        if not self._full and (fields[2] or "")[:1] not in self._categories:
            return None
        try:
            isin, *rest = [_tidy(field) for field in fields]
        except ValueError as error:
            return refuse(number, str(error), raw)
        operation = [] if self._full else [_OPERATIONS.get(change.lower())]
        if fault := verdict(isin.upper()):
            return refuse(number, fault.text, raw)
        if None in operation:
            return refuse(number, "no change that is known", raw)
        if not rest[-1]:
            return refuse(number, "no venue", raw)
        cells = [*operation, isin.upper(), *(text or None for text in rest)]
        return "\t".join([escaped(cell) for cell in cells]).encode()


def _wrong_isins(found: Sequence[tuple[bytes, ...]]) -> Sequence[int]:
    """Which records have no ISIN."""
    places: list[int] = np.flatnonzero(
        ~check_digits.valid(np.array([record[0] for record in found], dtype="S12"))
    ).tolist()
    return places


def _special_names(found: Sequence[tuple[bytes, ...]]) -> Sequence[int]:
    """Which records have a name that is not to be stored byte for byte."""
    names = np.frombuffer(b"\n%b\n" % b"\n".join([record[1] for record in found]), dtype=np.uint8)
    line_ends = names == ord("\n")
    gaps = line_ends | (names == ord(" "))
    special = ~_PLAIN[names]
    special[1:] |= gaps[1:] & gaps[:-1]  # two blanks together, or one at an end of a name
    places: list[int] = np.unique(np.searchsorted(np.flatnonzero(line_ends), np.flatnonzero(special)) - 1).tolist()
    return places


def _tidied(name: bytes) -> bytes | None:
    """A name as it is stored; None for one that is no text."""
    try:
        return escaped(_tidy(_unescaped(name.decode())) or None).encode()
    except ValueError:
        return None


def _batch_of(results: Sequence[bytes | Refused | None]) -> Batch:
    refused = [result for result in results if isinstance(result, Refused)]
    lines = [result for result in results if isinstance(result, bytes)]
    return Batch(b"\n".join([*lines, b""]), len(lines) + len(refused), refused)


def _tidy(text: str | None) -> str:
    if text is None:
        raise ValueError(_NO_TEXT)
    tidied = " ".join(clean_text(text).split())
    if len(tidied) > MAX_TEXT:
        raise ValueError(f"a text of more than {MAX_TEXT} characters")
    return tidied


def _unescaped(text: str) -> str | None:
    """Text of XML as it is meant; None when it has an ampersand that stands for nothing."""
    if "&" in _ENTITY.sub("", text):
        return None
    return _ENTITY.sub(_meant, text)


def _meant(entity: re.Match[str]) -> str:
    name, decimal, hexadecimal = entity.groups()
    code = int(decimal) if decimal else int(hexadecimal or "0", 16)
    return _NAMED[name] if name else chr(min(code, sys.maxunicode))


def _is_utf8(chunk: bytes) -> bool:
    if chunk.isascii():
        return True
    try:
        chunk.decode()
    except UnicodeDecodeError:
        return False
    return True


def _require_readable(preamble: bytes) -> None:
    if b"<!" in preamble.replace(b"<!--", b""):
        raise UnreadableList("no XML that is read here: it declares a document type")
    if _ENCODING.match(preamble):
        raise UnreadableList("no FIRDS: its encoding is not UTF-8")
