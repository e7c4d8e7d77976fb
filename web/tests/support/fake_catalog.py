"""The catalogue, in memory."""
# ruff: noqa: C901 - one function for the routes, and each route is short

from collections import Counter
from typing import Any
from uuid import UUID

from fake_state import State, etag_of, failure, page_of
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from servicekit import problems


def add_routes(api: State, router: APIRouter) -> None:
    @router.get("/api/v1/apps")
    async def apps(request: Request) -> dict[str, Any]:
        query = request.query_params
        status = query.get("status", "published")
        if status != "published":
            api.caller(request, "admin")
        found = [
            app for app in api.apps.values()
            if app["status"] == status and query.get("q", "").lower() in app["name"].lower()
            and query.get("category", "") in {"", app["category"], app["subcategory"]}
        ]  # fmt: skip
        counts = Counter(app["category"] for app in found)
        facets = [{"category": c["slug"], "name": c["name"], "count": counts[c["slug"]]} for c in api.categories]
        answer = page_of(sorted(found, key=lambda app: -app["points"]), request)
        return {**answer, "facets": {"categories": facets}, "corrected_q": api.corrected_q}

    @router.get("/api/v1/apps/{app_id}")
    async def app(app_id: UUID) -> JSONResponse:
        if str(app_id) not in api.apps:
            raise problems.NotFound
        found = api.apps[str(app_id)]
        return JSONResponse(found, headers={"ETag": etag_of(found)})

    @router.post("/api/v1/apps", status_code=201)
    async def create(request: Request, body: dict[str, Any]) -> dict[str, Any]:
        api.caller(request, "admin")
        if not isinstance(body.get("points"), int):
            raise failure(422, "validation-error", "The request is not valid", points="int-type")
        package = body.pop("package_name").rpartition("id=")[2].partition("&")[0]
        if "." not in package or "/" in package:
            raise failure(422, "validation-error", "The request is not valid", package_name="value-error")
        if package in {app["package_name"] for app in api.apps.values()}:
            raise failure(409, "package-exists", "The package is in the catalogue already")
        return api.add_app(**body, status="draft", package_name=package)

    @router.patch("/api/v1/apps/{app_id}")
    async def change(request: Request, app_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
        api.caller(request, "admin")
        found = api.apps[str(app_id)]
        if request.headers.get("if-match") != etag_of(found):
            raise problems.PreconditionFailed
        found.update(body)
        return found

    @router.post("/api/v1/apps/{app_id}/{verb}")
    async def move(request: Request, app_id: UUID, verb: str) -> dict[str, Any]:
        api.caller(request, "admin")
        found = api.apps[str(app_id)]
        if found["status"] == "archived":
            raise failure(409, "app-archived", "The app is archived")
        found["status"] = {"publish": "published", "archive": "archived"}[verb]
        return found

    @router.get("/api/v1/categories")
    async def categories() -> dict[str, Any]:
        return {"items": api.categories, "next_cursor": None}
