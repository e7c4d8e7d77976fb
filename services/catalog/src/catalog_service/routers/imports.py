"""Imports: /api/v1/apps/import and /api/v1/imports."""

import tempfile
from typing import Annotated, Any, BinaryIO
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from catalog_service.dependencies import Admin, Imports
from catalog_service.routers.spool import receive
from catalog_service.schemas import ImportFormat, ImportOut
from servicekit.conditional import conditional_json
from servicekit.problems import FieldProblem, RuleViolation, UnsupportedMediaType

router = APIRouter(prefix="/api/v1")

MAX_FILE = 100 * 1024 * 1024
PATH = "/api/v1/apps/import"
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_INDEX = {"schema": {"title": "The index-v2.json of an F-Droid repository"}}
_KINDS = {"application/json": _INDEX, "text/csv": _BINARY, "application/octet-stream": _BINARY}
_BODY: dict[str, Any] = {"requestBody": {"required": True, "content": _KINDS}}


@router.post(
    "/apps/import",
    status_code=202,
    openapi_extra=_BODY,
    responses={
        413: {"description": "The file has more than 100 MiB"},
        415: {"description": "A form: the file itself is the body"},
    },
)
async def import_apps(
    request: Request,
    response: Response,
    admin: Admin,
    imports: Imports,
    kind: Annotated[ImportFormat, Query(alias="format")],
    dry_run: Annotated[bool, Query(description="Only report what would happen")] = False,
) -> ImportOut:
    """Add and update apps from a file: F-Droid's index of version 2, or CSV.

    The texts of known packages are updated, new ones become drafts. Points are never touched. All or nothing:
    a file that can't be read to its end changes nothing.
    """
    job_id = await imports.start(await _received(request), kind, dry_run=dry_run, by=admin.user_id)
    response.headers["Location"] = f"/api/v1/imports/{job_id}"
    return await imports.get(job_id)


@router.get(
    "/imports/{import_id}",
    response_model=ImportOut,
    responses={304: {"description": "Not modified"}, 404: {"description": "There is no such import"}},
)
async def get_import(request: Request, import_id: UUID, _admin: Admin, imports: Imports) -> Response:
    """How far an import is, or what came of it, with a line for each row that was left out."""
    return conditional_json(request, await imports.get(import_id), cache_control="private, no-cache")


async def _received(request: Request) -> BinaryIO:
    """The body as a file, for the job to close.

    Raises as ``receive``, UnsupportedMediaType for a form, and RuleViolation for an empty body.
    """
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise UnsupportedMediaType("Send the file itself as the body, not a form with a file.")
    file = tempfile.TemporaryFile()  # noqa: SIM115 - see above
    try:
        size = await receive(request, file, MAX_FILE)
    except BaseException:
        file.close()
        raise
    if size:
        return file
    file.close()
    raise RuleViolation(errors=[FieldProblem(pointer="", code="missing", detail="The body is empty")])
