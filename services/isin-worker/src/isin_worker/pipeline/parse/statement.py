"""What a list says of its own length, where its publisher writes that down."""

import re
from collections.abc import Mapping, Sequence
from typing import IO, Any

import ijson

from isin_worker.pipeline.parse.xml_stream import read_xml


class StatedLine:
    """The first line of a list in which ``pattern``, a regular expression with one group, finds a number of rows."""

    def __init__(self, pattern: str, delimiter: str) -> None:
        self._pattern = re.compile(pattern)
        self._delimiter = delimiter
        self._count: int | None = None

    def said(self) -> int | None:
        """The number, once its line was read."""
        return self._count

    def is_in(self, cells: Sequence[str]) -> bool:
        """Whether these cells are that line, which is then no row."""
        if self._count is None and (found := self._pattern.search(self._delimiter.join(cells))):
            self._count = _number(found[1])
            return self._count is not None
        return False


def stated_in_json(file: IO[bytes], place: str) -> int | None:
    """The number at ``place``, the keys that lead to it: ``meta.total``."""
    return next((_number(value) for value in ijson.items(file, place)), None)


def stated_in_xml(file: IO[bytes], place: str) -> int | None:
    """The number at ``place``, the end of an element's or an attribute's path: ``Header/Count``, ``List/@total``."""
    return next(read_xml(file, _Place(place)), None)


class _Place:
    """Gathers the numbers whose path ends in one place."""

    def __init__(self, place: str) -> None:
        self._place = f"/{place.casefold()}"
        self._path: list[str] = []
        self._text = ""
        self._found: list[int] = []

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._path.append(f"/{name.casefold()}")
        self._text = ""
        for key, value in attributes.items():
            self._look(f"{''.join(self._path)}/@{key.casefold()}", value)

    def text(self, text: str) -> None:
        self._text = (self._text + text)[:100]

    def end(self, name: str) -> None:  # noqa: ARG002 - the parser sees to it that names match
        self._look("".join(self._path), self._text)
        self._path.pop()
        self._text = ""

    def take(self) -> list[int]:
        found, self._found = self._found, []
        return found

    def _look(self, path: str, text: str) -> None:
        if path.endswith(self._place) and (number := _number(text)) is not None:
            self._found.append(number)


def _number(text: Any) -> int | None:
    """A count as people write it, ``2,384``, ``2 384`` or ``2'384`` too, or as programs do: ``2384.0``."""
    digits = re.sub(r"[\s,.'\u2019]", "", str(text).removesuffix(".0"))
    return int(digits) if re.fullmatch(r"[0-9]{1,12}", digits) else None
