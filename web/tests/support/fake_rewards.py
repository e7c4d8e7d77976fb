"""Tasks, proofs and points, in memory."""
# ruff: noqa: C901 - one function for the routes, and each route is short

from typing import Any
from uuid import UUID

from fake_state import State, failure, page_of
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response


def add_routes(api: State, router: APIRouter) -> None:
    def own(request: Request, task_id: UUID) -> dict[str, Any]:
        task = api.tasks.get(str(task_id))
        if task is None or task["user_id"] != api.caller(request)["id"]:
            raise failure(404, "task-not-found", "No such task")
        return task

    @router.get("/api/v1/tasks")
    async def tasks(request: Request) -> dict[str, Any]:
        user, status = api.caller(request), request.query_params.get("status")
        return page_of(
            [t for t in api.tasks.values() if t["user_id"] == user["id"] and status in {None, t["status"]}], request
        )

    @router.get("/api/v1/tasks/{task_id}")
    async def task(request: Request, task_id: UUID) -> dict[str, Any]:
        return own(request, task_id)

    @router.post("/api/v1/tasks")
    async def start(request: Request, body: dict[str, Any]) -> JSONResponse:
        user = api.caller(request)

        def effect() -> JSONResponse:
            if not user["email_verified"]:
                raise failure(403, "email-not-verified", "The e-mail address is not verified")
            if any((t["user_id"], t["app_id"]) == (user["id"], body["app_id"]) for t in api.tasks.values()):
                raise failure(409, "task-exists", "You have this task already")
            return JSONResponse(api.add_task(user["email"], api.apps[body["app_id"]]), status_code=201)

        return api.once(request, effect)

    @router.post("/api/v1/tasks/{task_id}/cancel")
    async def cancel(request: Request, task_id: UUID) -> dict[str, Any]:
        task = own(request, task_id)
        task["status"] = "cancelled"
        return task

    @router.post("/api/v1/tasks/{task_id}/proofs")
    async def submit(request: Request, task_id: UUID) -> JSONResponse:
        task = own(request, task_id)
        async with request.form() as form:
            content = await form["file"].read()  # type: ignore[union-attr]  # the pages send a file

        def effect() -> JSONResponse:
            if task["status"] not in {"started", "rejected"}:
                raise failure(409, "proof-not-expected", "The task takes no proof now")
            if not content.startswith(b"\x89PNG"):
                raise failure(415, "unsupported-picture", "Not a PNG, JPEG or WebP picture")
            api.add_proof(task, content)
            return JSONResponse(api.proofs[task["proof_id"]], status_code=201)

        return api.once(request, effect)

    @router.get("/api/v1/proofs/{proof_id}/{size}")
    async def picture(request: Request, proof_id: UUID, size: str) -> Response:
        api.caller(request)
        if str(proof_id) not in api.pictures:
            raise failure(404, "proof-not-found", "No such proof")
        etag = f'"{proof_id}-{size}"'
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers={"ETag": etag})
        return Response(api.pictures[str(proof_id)], media_type="image/png", headers={"ETag": etag})

    @router.get("/api/v1/points")
    async def points(request: Request) -> dict[str, int]:
        user = api.caller(request)
        total = sum(entry["points"] for entry in api.entries)
        waiting = [t["points"] for t in api.tasks.values() if (t["user_id"], t["status"]) == (user["id"], "submitted")]
        return {"balance": total, "pending": sum(waiting), "lifetime_earned": total}

    @router.get("/api/v1/points/entries")
    async def entries(request: Request) -> dict[str, Any]:
        api.caller(request)
        return page_of(api.entries, request)
