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
        apps = request.query_params.getlist("app_id")
        return page_of(
            [
                t
                for t in api.tasks.values()
                if t["user_id"] == user["id"] and status in {None, t["status"]} and (not apps or t["app_id"] in apps)
            ],
            request,
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
    async def entries(request: Request) -> Any:
        api.caller(request)
        if request.query_params.get("format") == "csv":
            lines = [f"{entry['description']},{entry['points']}" for entry in api.entries]
            return Response("\r\n".join(lines), media_type="text/csv")
        return page_of(api.entries, request)

    @router.get("/api/v1/points/months")
    async def months(request: Request) -> dict[str, Any]:
        api.caller(request)
        return {"items": api.months}

    @router.get("/api/v1/me/summary")
    async def summary(request: Request) -> dict[str, Any]:
        user, total = api.caller(request), sum(entry["points"] for entry in api.entries)
        mine = [task for task in api.tasks.values() if task["user_id"] == user["id"]]
        count = {state: [t for t in mine if t["status"] == state] for state in ("started", "submitted", "approved")}
        return {
            "name": user["name"], "points": total, "points_pending": sum(t["points"] for t in count["submitted"]),
            "lifetime_earned": total, "tasks_active": len(count["started"]), "tasks_pending": len(count["submitted"]),
            "tasks_completed": len(count["approved"]),
        }  # fmt: skip

    @router.get("/api/v1/leaderboard")
    async def leaders(request: Request) -> dict[str, Any]:
        api.caller(request)
        return page_of(api.leaders, request)

    @router.get("/api/v1/me/preferences")
    async def preferences(request: Request) -> dict[str, bool]:
        api.caller(request)
        return {"leaderboard": api.on_leaderboard}

    @router.patch("/api/v1/me/preferences")
    async def choose(request: Request, body: dict[str, bool]) -> dict[str, bool]:
        api.caller(request)
        api.on_leaderboard = body["leaderboard"]
        return body

    @router.get("/api/v1/events")
    async def events(request: Request) -> Response:
        api.caller(request)
        after = int(request.headers.get("last-event-id", 0))
        return Response(b"".join(api.events[after:]), media_type="text/event-stream")
