"""One record of FIRDS at a time, checked and tidied: as the XML parser reads it, or of fields that are known."""

import io
import re
import sys
from collections.abc import Iterator, Mapping, Sequence

from isin_worker.errors import UnreadableList
from isin_worker.isin import verdict
from isin_worker.pipeline.batches import Refused
from isin_worker.pipeline.parse.copy_text import escaped
from isin_worker.pipeline.parse.firds_lines import OPERATIONS
from isin_worker.pipeline.parse.rows import MAX_RAW
from isin_worker.pipeline.parse.validate import MAX_TEXT, refuse
from isin_worker.pipeline.parse.xml_rows import RecordHandler
from isin_worker.pipeline.parse.xml_stream import read_xml
from servicekit.schemas import clean_text

_PATHS = (
    "fininstrmgnlattrbts/id",
    "fininstrmgnlattrbts/fullnm",
    "fininstrmgnlattrbts/clssfctntp",
    "fininstrmgnlattrbts/ntnlccy",
    "issr",
    "tradgvnrltdattrbts/id",
)
_OPERATIONS = {tag.casefold(): operation for tag, operation in OPERATIONS.items()}
_ENTITY = re.compile(r"&(?:(amp|lt|gt|quot|apos)|#([0-9]{1,7})|#x([0-9A-Fa-f]{1,6}));")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_NO_TEXT = "no XML: an ampersand that stands for nothing"


class RecordReader:
    """Makes a line of a record, the reason why there is none, or None when it is not wanted.

    ``categories`` are the first letters of the CFI codes whose changes are wanted; None for a file that has no changes.
    """

    def __init__(self, element: str, categories: str | None) -> None:
        self._element = element
        self._categories = categories

    def of_fields(self, number: int, fields: Sequence[str]) -> bytes | Refused | None:
        """A record whose fields stand as in the file."""
        operation = None if self._categories is None else fields[0]
        return self._checked(number, operation, [_unescaped(field) for field in fields[-len(_PATHS) :]])

    def of_piece(self, number: int, piece: bytes) -> bytes | Refused | None:
        """A record as it stands in the file."""
        return self._of_cells(number, self._read_one(piece), piece)

    def of_pieces(self, number: int, pieces: Sequence[bytes]) -> list[bytes | Refused | None]:
        """Records that follow one another: read all together or, when that fails, each by itself."""
        try:
            records: list[Mapping[str, str] | None] = [*self._read(b"".join(pieces))]
        except UnreadableList:
            records = []
        if len(records) != len(pieces):
            records = [self._read_one(piece) for piece in pieces]
        together = zip(records, pieces, strict=True)
        return [self._of_cells(at, cells, piece) for at, (cells, piece) in enumerate(together, start=number)]

    def _read_one(self, piece: bytes) -> Mapping[str, str] | None:
        try:
            records = list(self._read(piece))
        except UnreadableList:
            return None
        return records[0] if len(records) == 1 else None

    def _read(self, records: bytes) -> Iterator[Mapping[str, str]]:
        return read_xml(io.BytesIO(b"<records>" + records + b"</records>"), RecordHandler(self._element))

    def _of_cells(self, number: int, cells: Mapping[str, str] | None, piece: bytes) -> bytes | Refused | None:
        if cells is None:
            return refuse(number, "no XML", piece[:MAX_RAW].decode(errors="replace"))
        change = "" if self._categories is None else next(iter(cells), "").partition("/")[0]
        fields = [cells.get(f"{change}/{path}".lstrip("/"), "") for path in _PATHS]
        return self._checked(number, _OPERATIONS.get(change), fields)

    def _checked(self, number: int, operation: str | None, fields: Sequence[str | None]) -> bytes | Refused | None:
        """The result for texts; one of None is no XML."""
        raw = ";".join([field or "" for field in fields])[:MAX_RAW]
        if self._categories is not None and (fields[2] or "")[:1] not in self._categories:
            return None
        try:
            isin, *rest = [_tidy(field) for field in fields]
        except ValueError as error:
            return refuse(number, str(error), raw)
        isin = isin.upper()
        if fault := verdict(isin):
            return refuse(number, fault.text, raw)
        if self._categories is not None and operation is None:
            return refuse(number, "no change that is known", raw)
        if not rest[-1]:
            return refuse(number, "no venue", raw)
        cells = [isin, *(text or None for text in rest)]
        line = "\t".join([escaped(cell) for cell in (cells if operation is None else [operation, *cells])])
        return f"{line}\n".encode()


def _tidy(text: str | None) -> str:
    if text is None:
        raise ValueError(_NO_TEXT)
    tidied = " ".join(clean_text(text).split())
    if len(tidied) > MAX_TEXT:
        raise ValueError(f"a text of more than {MAX_TEXT} characters")
    return tidied


def _unescaped(text: str) -> str | None:
    """Text of XML as it is meant; None when it has an ampersand that stands for nothing."""
    if "&" not in text:
        return text
    if "&" in _ENTITY.sub("", text):
        return None
    return _ENTITY.sub(_meant, text)


def _meant(entity: re.Match[str]) -> str:
    name, decimal, hexadecimal = entity.groups()
    code = int(decimal) if decimal else int(hexadecimal or "0", 16)
    return _NAMED[name] if name else chr(min(code, sys.maxunicode))
