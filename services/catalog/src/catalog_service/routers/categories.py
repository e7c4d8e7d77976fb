"""/api/v1/categories."""

from fastapi import APIRouter, Request, Response

from catalog_service.dependencies import Categories
from catalog_service.routers.public_json import public_json
from catalog_service.schemas import CategoryOut
from servicekit.schemas import Page

router = APIRouter(prefix="/api/v1/categories")


@router.get("", response_model=Page[CategoryOut], responses={304: {"description": "Not modified"}})
async def list_categories(request: Request, categories: Categories) -> Response:
    """The tree of categories: two levels, all on one page."""
    return public_json(request, await categories.tree())
