"""What reading hands over to publishing: files as text for COPY, ready to be sent, and what was refused."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

Mode = Literal["full", "delta"]
"""A ``full`` file has the whole list, so what is not on it is gone; a ``delta`` file says itself what is gone."""

Key: TypeAlias = tuple[str, str]
"""What a list has once: an ISIN, and the venue, which is '' where a list does not tell venues apart."""

NO_ISIN = "no ISIN"
"""The reason for a row that says itself that it has none: it is refused, and nothing is wrong with it."""

STAGED = ("number", "isin", "venue", "op", "name", "type", "currency", "lei", "details")
"""What can be staged of a row. ``venue`` is '' where a list has an ISIN once; ``op`` is null in a full file, else
``new``, ``modified``, ``terminated`` or ``cancelled``; ``details`` is a JSON object of texts."""


@dataclass(frozen=True, slots=True)
class StageLayout:
    """The columns of the text, some or all of ``STAGED``, and what stands between them.

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
class Statement:
    """How many rows a file says that it has, None when it does not although its publisher's do, and how many it has."""

    stated: int | None
    counted: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of a list, as lines of COPY's text format, and those among them that were refused.

    The last one of a file has its ``statement``, if its publisher's files make one.
    """

    copy: bytes
    rows: int
    refused: Sequence[Refused] = ()
    statement: Statement | None = None


class Rows(Protocol):
    """The rows of one file. They are iterated over in a thread, and may raise UnreadableList and OSError."""

    @property
    def layout(self) -> StageLayout:
        """What the text of each batch is."""

    def __iter__(self) -> Iterator[Batch]:
        """The batches, from the file's first row to its last."""

    def places_of(self, keys: Collection[Key]) -> Mapping[Key, Sequence[int]]:
        """On which lines these stand, or which records they are, where no batch says it. The file is read again."""


@dataclass(frozen=True, slots=True)
class ListFile:
    """One file of a delivery."""

    rows: Rows
    mode: Mode = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What a publisher has published, downloaded: its files in the order in which they apply.

    ``sha256`` is that of the file, or of the files' own when there are several. ``version`` is what the publisher calls
    it. The rest is for the gates: which files do not have the checksum that is listed, and which parts are missing.
    """

    files: Sequence[ListFile]
    url: str
    bytes: int
    sha256: str
    etag: str | None = None
    last_modified: str | None = None
    version: str | None = None
    checksum_differs: Sequence[str] = ()
    parts_missing: Sequence[str] = ()
