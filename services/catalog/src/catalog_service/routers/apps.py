"""/api/v1/apps."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Request, Response
from starlette.convertors import StringConvertor, register_url_convertor

from catalog_service.dependencies import Adder, Admin, AllowedQuery, AnyVisitor, Apps, Changes, IfMatch, Reader
from catalog_service.routers.public_json import public_json
from catalog_service.schemas import AppCreate, AppOut, AppPage, AppPatch, ChangesOut, PackageName, PriceOut
from servicekit.conditional import etag_of
from servicekit.pagination import MAX_CURSOR, CursorParam, Limit, add_next_link
from servicekit.permissions import ACCOUNT_OPTIONAL
from servicekit.schemas import Page


class AppIdConvertor(StringConvertor):
    """Any segment but the names that stand beside the ids: the wrong verb on these is a 405, not a malformed id."""

    regex = "(?!(?:changes|import|audit-events)$)[^/]+"


register_url_convertor("app_id", AppIdConvertor())
router = APIRouter(prefix="/api/v1/apps")

Since = Annotated[
    str | None,
    Query(max_length=MAX_CURSOR, description="The `since` of the last answer, or a date or time (RFC 3339)"),
]

NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "Not modified: your copy is good"}}
NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"description": "There is no such app"}}
STALE: dict[int | str, dict[str, Any]] = {
    412: {"description": "Somebody changed the app since you read it"},
    428: {"description": "If-Match is missing"},
}


@router.get("", response_model=AppPage, responses=NOT_MODIFIED, openapi_extra=ACCOUNT_OPTIONAL)
async def list_apps(request: Request, query: AllowedQuery, reader: Reader, visitor: AnyVisitor) -> Response:
    """The published apps. Administrators can ask for another `status`."""
    page = await reader.page(query, visitor.languages)
    answer = public_json(request, page, sees_all=visitor.sees_all, locales=[app.locale for app in page.items])
    add_next_link(request, answer, page.next_cursor)
    return answer


@router.post(
    "",
    status_code=201,
    response_model=AppOut,
    responses={409: {"description": "The package is in the catalogue already"}},
)
async def create_app(body: AppCreate, admin: Admin, adder: Adder) -> Response:
    """Add an app as a draft, by its package name or its page in the Play Store."""
    app = await adder.add(body, by=admin.user_id)
    content = msgspec.json.encode(app)
    headers = {"ETag": etag_of(content), "Location": f"/api/v1/apps/{app.id}"}
    return Response(content, status_code=201, media_type="application/json", headers=headers)


@router.get(
    "/by-package/{package_name}",
    response_model=AppOut,
    responses={**NOT_MODIFIED, **NOT_FOUND},
    openapi_extra=ACCOUNT_OPTIONAL,
)
async def get_app_by_package(
    request: Request, package_name: PackageName, reader: Reader, visitor: AnyVisitor
) -> Response:
    """One app by its package name, case-sensitively."""
    app = await reader.get_by_package(package_name, drafts=visitor.sees_all, languages=visitor.languages)
    return public_json(request, app, sees_all=visitor.sees_all, locales=[app.locale])


@router.get(
    "/changes",
    response_model=ChangesOut,
    responses={**NOT_MODIFIED, 410: {"description": "The feed does not reach back so far: begin again without since"}},
)
async def list_changed_apps(
    request: Request, changes: Changes, limit: Limit = 50, since: Since = None, cursor: CursorParam = None
) -> Response:
    """What changed since you last asked, for clients that keep a copy: changed apps as they are now, archived too."""
    page = await changes.page(since=since, cursor=cursor, limit=limit)
    answer = public_json(request, page)
    add_next_link(request, answer, page.next_cursor)
    return answer


@router.get(
    "/{app_id:app_id}",
    response_model=AppOut,
    responses={**NOT_MODIFIED, **NOT_FOUND},
    openapi_extra=ACCOUNT_OPTIONAL,
)
async def get_app(request: Request, app_id: UUID, reader: Reader, visitor: AnyVisitor) -> Response:
    """One app. Archived apps are answered too, with their status; drafts only to administrators."""
    app = await reader.get(app_id, drafts=visitor.sees_all, languages=visitor.languages)
    return public_json(request, app, sees_all=visitor.sees_all, locales=[app.locale])


@router.patch("/{app_id:app_id}", responses={**NOT_FOUND, **STALE})
async def update_app(
    app_id: UUID, body: AppPatch, admin: Admin, apps: Apps, response: Response, if_match: IfMatch = None
) -> AppOut:
    """Change the fields that are sent. Tasks that were started keep the points of their start."""
    return _tagged(response, await apps.change(app_id, body, if_match=if_match, by=admin.user_id))


@router.delete("/{app_id:app_id}", status_code=204, responses={**NOT_FOUND, **STALE})
async def delete_app(app_id: UUID, admin: Admin, apps: Apps, if_match: IfMatch = None) -> None:
    """Archive the app: an app is never erased."""
    await apps.delete(app_id, if_match=if_match, by=admin.user_id)


@router.post("/{app_id}/publish", responses={**NOT_FOUND, 409: {"description": "The app is archived"}})
async def publish_app(app_id: UUID, admin: Admin, apps: Apps, response: Response, if_match: IfMatch = None) -> AppOut:
    """Show a draft to everybody. Safe to call again."""
    return _tagged(response, await apps.publish(app_id, if_match=if_match, by=admin.user_id))


@router.post("/{app_id}/archive", responses=NOT_FOUND)
async def archive_app(app_id: UUID, admin: Admin, apps: Apps, response: Response, if_match: IfMatch = None) -> AppOut:
    """Take the app out of the catalogue for good. Safe to call again."""
    return _tagged(response, await apps.archive(app_id, if_match=if_match, by=admin.user_id))


@router.get("/{app_id}/points-history", responses=NOT_FOUND)
async def list_prices(
    request: Request,
    response: Response,
    app_id: UUID,
    _admin: Admin,
    reader: Reader,
    limit: Limit = 50,
    cursor: CursorParam = None,
) -> Page[PriceOut]:
    """Every price that the app ever had, newest first: from what to what, who and when."""
    page = await reader.prices(app_id, cursor, limit)
    add_next_link(request, response, page.next_cursor)
    return page


def _tagged(response: Response, app: AppOut) -> AppOut:
    """With the ETag of what GET answers, so that the next change needs no read in between."""
    response.headers["ETag"] = etag_of(app.model_dump_json().encode())
    return app
