"""One file out of a multipart body (RFC 7578), straight to a temporary file: capped, hashed, and never in memory."""

import hashlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from servicekit.logs import get_logger
from servicekit.problems import (
    BadRequest,
    ContentTooLarge,
    FieldProblem,
    RuleViolation,
    Unavailable,
    UnsupportedMediaType,
)

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks  # exists for type checkers only

log = get_logger(__name__)

MAX_FILE = 8 * 1024 * 1024
ENVELOPE = 64 * 1024  # what the multipart form may take around the file


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came in full. It has no name on disk and is gone when it is closed."""

    file: BinaryIO
    sha256: str


class _FileForm:
    """Takes the part named ``file`` out of a form and refuses every other."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._name, self._value = bytearray(), bytearray()
        self._parts = 0
        self.size = 0
        self.complete = False

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._part_begin,
            "on_header_begin": self._header_begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._part_data,
            "on_end": self._end,
        }

    def _part_begin(self) -> None:
        self._part_name: bytes | None = None
        self._parts += 1

    def _header_begin(self) -> None:
        self._name.clear()
        self._value.clear()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._part_name = parse_options_header(bytes(self._value))[1].get(b"name")

    def _headers_finished(self) -> None:
        if self._part_name != b"file":
            raise _fault("extra-forbidden", "The form has one field only: `file`")
        if self._parts > 1:
            raise _fault("too-long", "Send one file")

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self.size += end - start
        if self.size > MAX_FILE:
            raise ContentTooLarge(f"The file may have at most {MAX_FILE} bytes.")
        chunk = data[start:end]
        self._digest.update(chunk)
        try:
            written = self._file.write(chunk)
        except OSError as error:
            raise _no_room() from error
        if written < len(chunk):
            raise _no_room()

    def _end(self) -> None:
        self.complete = True


@asynccontextmanager
async def received_file(request: Request) -> AsyncIterator[Upload]:
    """The file of the form's field ``file``.

    Raises:
        UnsupportedMediaType: the body is not ``multipart/form-data``.
        ContentTooLarge: the file is longer than 8 MB.
        RuleViolation: there is no file, or something else too.
        BadRequest: the body is malformed or ends too early.
        Unavailable: the disk is full.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise UnsupportedMediaType("Send the file as multipart/form-data, in the field `file`.")
    # Writes of a few kilobytes go to the page cache: quicker than handing each one to a thread.
    with tempfile.TemporaryFile(buffering=0) as file:
        form = _FileForm(file)
        try:
            parser = MultipartParser(options[b"boundary"], form.callbacks())
            async for chunk in request.stream():
                parser.write(chunk)
        except FormParserError as error:
            raise BadRequest("The body is not a well-formed multipart form.") from error
        except ClientDisconnect as error:
            raise BadRequest("The connection ended before the body did.") from error
        if not form.complete:
            raise BadRequest("The form ends too early.")
        if form.size == 0:
            raise _fault("missing", "A file is required, and it must not be empty")
        yield Upload(file, form.sha256)


def _no_room() -> Unavailable:
    log.warning("upload.no_room")
    return Unavailable("There is no room for the file at the moment.", retry_after=60)


def _fault(code: str, detail: str) -> RuleViolation:
    return RuleViolation(errors=[FieldProblem(pointer="/file", code=code, detail=detail)])
