"""XML a little at a time, as elements come and go. A document type, and so every entity of its own, is refused."""

from collections.abc import Iterator, Mapping
from typing import IO, Protocol, TypeVar
from xml.parsers import expat

from isin_worker.errors import UnreadableList

CHUNK = 64 * 1024
Found = TypeVar("Found")


class Handler(Protocol[Found]):
    """What is done with the elements. Names come without the prefix or address of their namespace."""

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""

    def text(self, text: str) -> None:
        """Some of the text between two tags."""

    def end(self, name: str) -> None:
        """An element ends."""

    def take(self) -> list[Found]:
        """What was found since this was last called."""


def read_xml(file: IO[bytes], handler: Handler[Found]) -> Iterator[Found]:
    """What the handler finds. Raises UnreadableList for what is not well-formed."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = lambda name, attributes: handler.start(
        _local(name), {_local(key): value for key, value in attributes.items()}
    )
    parser.EndElementHandler = lambda name: handler.end(_local(name))
    parser.CharacterDataHandler = handler.text
    try:
        while chunk := file.read(CHUNK):
            parser.Parse(chunk, False)
            yield from handler.take()
        parser.Parse(b"", True)
        yield from handler.take()
    except expat.ExpatError as error:
        raise UnreadableList(f"no XML: {error}") from error


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


def _refuse_doctype(*_: object) -> None:
    raise UnreadableList("no XML that is read here: it declares a document type")
