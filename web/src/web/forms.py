"""Forms that the browser sends: bounded, checked for where they come from, then read."""

from collections.abc import AsyncGenerator, Callable
from typing import Annotated
from urllib.parse import parse_qsl
from uuid import uuid4

from fastapi import Depends, Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from web import csrf
from web.api import Upload
from web.errors import FormRefused, FormTooLarge, FormUnreadable
from web.visits import AnyVisit, SignedInVisit

FIELDS_LIMIT = 64 * 1024
FIELDS_COUNT = 50
UPLOAD_LIMIT = 8 * 1024 * 1024
IMPORT_LIMIT = 100 * 1024 * 1024
UploadReader = Callable[..., AsyncGenerator[tuple["Form", Upload | None], None]]


class Form(dict[str, str]):
    """The fields by name, trimmed by nobody: what was typed is what is shown again."""

    def given(self, *names: str) -> dict[str, str]:
        """Those of ``names`` that are not empty."""
        return {name: self[name] for name in names if self.get(name, "").strip()}

    @property
    def idempotency_key(self) -> str:
        """The key that the page gave its form: a second click sends the same one."""
        return self.get("idempotency_key") or str(uuid4())


async def checked_form(request: Request, visit: AnyVisit) -> Form:
    """The form of this request, sent by a page of ours.

    Raises:
        FormRefused: it comes from elsewhere, or without this browser's token.
        FormTooLarge, FormUnreadable: it is not what a page of ours sends.
    """
    return _with_token(await own_form(request, visit), visit)


async def own_form(request: Request, visit: AnyVisit) -> Form:
    """The form of this request, sent from a page of ours as far as the browser tells, and without a token.

    Only for what a stranger may do to somebody without harm: a page without any other form then needs no cookie.
    Raises as ``checked_form``.
    """
    _check_origin(request, visit)
    if _media_type(request) != "application/x-www-form-urlencoded":
        raise FormUnreadable
    body = b"".join([chunk async for chunk in _bounded(request, FIELDS_LIMIT)])
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS_COUNT, errors="strict")
    except ValueError as error:
        raise FormUnreadable from error
    # Browsers end the lines of a textarea with CR LF; everywhere else here a line ends with LF.
    return Form({name: value.replace("\r\n", "\n") for name, value in pairs})


def upload_up_to(limit: int) -> UploadReader:
    """Reads the fields and the file of a form with a file; beyond 1 MB the file waits on disk, not in memory.

    Raises as ``checked_form``.
    """

    async def checked_upload(
        request: Request, visit: SignedInVisit
    ) -> AsyncGenerator[tuple[Form, Upload | None], None]:
        _check_origin(request, visit)
        if _media_type(request) != "multipart/form-data":
            raise FormUnreadable
        stream = _bounded(request, limit + FIELDS_LIMIT)
        try:
            parser = MultiPartParser(request.headers, stream, max_files=1, max_fields=FIELDS_COUNT, max_part_size=4096)
            data = await parser.parse()
        except MultiPartException as error:
            raise FormUnreadable from error
        try:
            fields = Form({name: value for name, value in data.multi_items() if isinstance(value, str)})
            file = data.get("file")
            form = _with_token(fields, visit)
            yield form, _upload(file, limit) if isinstance(file, UploadFile) and file.size else None
        finally:
            await data.close()

    return checked_upload


CheckedForm = Annotated[Form, Depends(checked_form)]
OwnForm = Annotated[Form, Depends(own_form)]
CheckedUpload = Annotated[tuple[Form, Upload | None], Depends(upload_up_to(UPLOAD_LIMIT))]
CheckedImport = Annotated[tuple[Form, Upload | None], Depends(upload_up_to(IMPORT_LIMIT))]


def _upload(file: UploadFile, limit: int) -> Upload:
    if (file.size or 0) > limit:
        raise FormTooLarge
    return Upload(name="screenshot", kind=file.content_type or "application/octet-stream", file=file.file)


def _check_origin(request: Request, visit: AnyVisit) -> None:
    if not visit.site.csrf.is_own_page(request.headers):
        raise FormRefused


def _with_token(form: Form, visit: AnyVisit) -> Form:
    if not visit.site.csrf.is_token(visit.cookie_id, form.pop(csrf.FIELD, "")):
        raise FormRefused
    return form


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _bounded(request: Request, limit: int) -> AsyncGenerator[bytes, None]:
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal() or len(declared) > 18 or int(declared) > limit:
        raise FormTooLarge
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise FormTooLarge
        yield chunk
