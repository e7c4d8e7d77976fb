"""/api/v1/categories."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from catalog_service.dependencies import Admin, Categories, IfMatch
from catalog_service.routers.public_json import public_json
from catalog_service.schemas import CategoryCreate, CategoryNode, CategoryOut, CategoryPatch
from servicekit.conditional import etag_of
from servicekit.schemas import Page

router = APIRouter(prefix="/api/v1/categories")

NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"description": "There is no such category"}}
STALE: dict[int | str, dict[str, Any]] = {
    412: {"description": "Somebody changed the category since you read it"},
    428: {"description": "If-Match is missing"},
}


@router.get("", response_model=Page[CategoryOut], responses={304: {"description": "Not modified"}})
async def list_categories(request: Request, categories: Categories) -> Response:
    """The tree of categories: two levels, all on one page."""
    return public_json(request, await categories.tree())


@router.post("", status_code=201, responses={409: {"description": "The slug is taken"}})
async def create_category(
    body: CategoryCreate, admin: Admin, categories: Categories, response: Response
) -> CategoryNode:
    """Add a category of the upper level, or a child of one."""
    node = await categories.create(body, by=admin.user_id)
    response.headers["Location"] = f"/api/v1/categories/{node.id}"
    return _tagged(response, node)


@router.get(
    "/{category_id}", response_model=CategoryNode, responses={304: {"description": "Not modified"}, **NOT_FOUND}
)
async def get_category(request: Request, category_id: UUID, categories: Categories) -> Response:
    """One category of either level."""
    return public_json(request, await categories.get(category_id))


@router.patch("/{category_id}", responses={**NOT_FOUND, **STALE})
async def update_category(
    category_id: UUID,
    body: CategoryPatch,
    admin: Admin,
    categories: Categories,
    response: Response,
    if_match: IfMatch = None,
) -> CategoryNode:
    """Change the name or the position. The slug stands in addresses and never changes."""
    return _tagged(response, await categories.change(category_id, body, if_match=if_match, by=admin.user_id))


@router.delete(
    "/{category_id}",
    status_code=204,
    responses={**NOT_FOUND, **STALE, 409: {"description": "Apps stand in it, or it has children"}},
)
async def delete_category(category_id: UUID, admin: Admin, categories: Categories, if_match: IfMatch = None) -> None:
    """Take away a category that no app stands in, whatever the app's status."""
    await categories.delete(category_id, if_match=if_match, by=admin.user_id)


def _tagged(response: Response, node: CategoryNode) -> CategoryNode:
    response.headers["ETag"] = etag_of(node.model_dump_json().encode())
    return node
