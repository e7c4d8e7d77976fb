"""What is handed over to be published: text for COPY, ready to be sent, and what was refused."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StageLayout:
    """The columns of the text, some or all of those that can be staged, and what stands between them.

    ``number`` is the row's line or record; where it is missing, rows count in the order in which they come.
    """

    columns: tuple[str, ...]
    delimiter: str = "\t"


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that is not published: the line or record that it is, why, and what it said, cut."""

    number: int
    reason: str
    raw: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of a list, as lines of COPY's text format, and those among them that were refused."""

    copy: bytes
    rows: int
    refused: Sequence[Refused] = ()
