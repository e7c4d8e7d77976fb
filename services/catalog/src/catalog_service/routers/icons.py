"""/api/v1/apps/{id}/icon."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response

from catalog_service.dependencies import Admin, Apps, Icons, IfMatch, Reader
from catalog_service.routers.spool import received
from catalog_service.schemas import AppOut
from servicekit.conditional import etag_of, not_modified

router = APIRouter(prefix="/api/v1/apps/{app_id}/icon")

MAX_ICON = 4 * 1024 * 1024
MEDIA_TYPE = "image/webp"
NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"description": "There is no such app"}}
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_BODY = {"requestBody": {"required": True, "content": {f"image/{kind}": _BINARY for kind in ("png", "jpeg", "webp")}}}
# The address has the digest of the content in it, so the content of an address never changes.
_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "sandbox; default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


@router.put(
    "",
    openapi_extra=_BODY,
    responses={
        **NOT_FOUND,
        412: {"description": "Somebody changed the app since you read it"},
        413: {"description": "The picture has more than 4 MiB"},
        415: {"description": "Not a PNG, JPEG or WebP picture"},
    },
)
async def put_icon(
    request: Request,
    app_id: UUID,
    admin: Admin,
    reader: Reader,
    icons: Icons,
    apps: Apps,
    response: Response,
    if_match: IfMatch = None,
) -> AppOut:
    """Give the app an icon: PNG, JPEG or WebP. Only the pixels are kept, in at most 512 by 512."""
    await reader.get(app_id, drafts=True)  # before the body is read
    async with received(request, MAX_ICON) as file:
        sha256 = await icons.store(file)
    app = await apps.set_icon(app_id, sha256, if_match=if_match, by=admin.user_id)
    response.headers["ETag"] = etag_of(app.model_dump_json().encode())
    return app


@router.delete(
    "",
    status_code=204,
    responses={
        **NOT_FOUND,
        412: {"description": "Somebody changed the app since you read it"},
        428: {"description": "If-Match is missing"},
    },
)
async def delete_icon(app_id: UUID, admin: Admin, apps: Apps, if_match: IfMatch = None) -> None:
    """Take the icon away."""
    await apps.delete_icon(app_id, if_match=if_match, by=admin.user_id)


@router.get(
    "/{sha256}.webp",
    response_class=Response,
    responses={
        200: {"description": "The icon", "content": {MEDIA_TYPE: _BINARY}},
        304: {"description": "Not modified: your copy is good"},
        404: {"description": "There is no such icon, or not any more"},
    },
)
async def get_icon(
    request: Request, app_id: UUID, sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$")], icons: Icons
) -> Response:
    """The icon at the `icon_url` of an app. It may be kept for ever: another icon has another address."""
    content = await icons.read(app_id, sha256)
    headers = {**_HEADERS, "ETag": f'"{sha256}"'}
    if not_modified(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=MEDIA_TYPE, headers=headers)
