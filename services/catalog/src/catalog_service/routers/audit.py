"""What administrators did: .../audit-events of an app, of a category, and of the whole catalogue."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from catalog_service.dependencies import Admin, Audit, Categories, Reader
from catalog_service.schemas import ChangeOut
from servicekit.pagination import CursorParam, Limit, add_next_link
from servicekit.schemas import Page

router = APIRouter(prefix="/api/v1")

NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"description": "There never was such a one"}}


@router.get("/apps/audit-events")
async def list_all_changes(
    request: Request, response: Response, _admin: Admin, audit: Audit, limit: Limit = 50, cursor: CursorParam = None
) -> Page[ChangeOut]:
    """What administrators did to the whole catalogue, newest first: to apps, categories, and by imports."""
    page = await audit.page(None, cursor, limit)
    add_next_link(request, response, page.next_cursor)
    return page


@router.get("/apps/{app_id}/audit-events", responses=NOT_FOUND)
async def list_changes(
    request: Request,
    response: Response,
    app_id: UUID,
    _admin: Admin,
    reader: Reader,
    audit: Audit,
    limit: Limit = 50,
    cursor: CursorParam = None,
) -> Page[ChangeOut]:
    """What administrators did to the app, newest first: each field from what to what, who and when."""
    await reader.get(app_id, drafts=True)
    page = await audit.page(app_id, cursor, limit)
    add_next_link(request, response, page.next_cursor)
    return page


@router.get("/categories/{category_id}/audit-events", responses=NOT_FOUND)
async def list_category_changes(
    request: Request,
    response: Response,
    category_id: UUID,
    _admin: Admin,
    categories: Categories,
    audit: Audit,
    limit: Limit = 50,
    cursor: CursorParam = None,
) -> Page[ChangeOut]:
    """What administrators did to the category, newest first, also after it was deleted."""
    page = await audit.page(category_id, cursor, limit)
    if not page.items:
        await categories.get(category_id)
    add_next_link(request, response, page.next_cursor)
    return page
