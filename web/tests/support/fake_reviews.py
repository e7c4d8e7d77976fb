"""The review queue, in memory."""

from typing import Any
from uuid import UUID

from fake_state import State, failure, page_of, time_of
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse


def add_routes(api: State, router: APIRouter) -> None:
    @router.get("/api/v1/reviews")
    async def queue(request: Request) -> dict[str, Any]:
        api.caller(request, "reviewer")
        waiting = [task for task in api.tasks.values() if task["status"] == "submitted"]
        items = [
            {
                "task": task, "proof": api.proofs[task["proof_id"]], "account_created_at": time_of(),
                "record": {"approved": 3, "rejected": 1, "reversed": 0},
                "hints": {"same_file": 0, "same_pixels": 1, "matches": api.matches},
                "risk": {"score": 30, "signals": [{"code": "repeated", "points": 30}]},
                "lease": api.leases.get(task["id"]),
            }
            for task in waiting
        ]  # fmt: skip
        return page_of(items, request)

    @router.post("/api/v1/reviews/{task_id}/lease")
    async def lease(request: Request, task_id: UUID) -> dict[str, Any]:
        reviewer = api.caller(request, "reviewer")
        api.leases[str(task_id)] = {"reviewer_id": reviewer["id"], "expires_at": time_of(minutes=10)}
        return {"task_id": str(task_id), "expires_at": time_of(minutes=10)}

    @router.delete("/api/v1/reviews/{task_id}/lease", status_code=204)
    async def release(request: Request, task_id: UUID) -> None:
        api.caller(request, "reviewer")
        api.leases.pop(str(task_id), None)

    @router.get("/api/v1/reviews/statistics")
    async def statistics(request: Request) -> dict[str, Any]:
        reviewer = api.caller(request, "reviewer")
        decided = {
            "decided": 1234, "approved": 1000, "rejected": 234, "approval_rate": 0.81, "median_seconds": 5400.0
        }  # fmt: skip
        return {"period": "month", "total": decided, "reviewers": [{"reviewer_id": reviewer["id"], **decided}]}

    @router.post("/api/v1/reviews/{task_id}/decision")
    async def decide(request: Request, task_id: UUID, body: dict[str, Any]) -> JSONResponse:
        api.caller(request, "reviewer")

        def effect() -> JSONResponse:
            task = api.tasks[str(task_id)]
            if task["status"] != "submitted":
                raise failure(409, "already-decided", "Already decided")
            if body["decision"] == "reject" and body.get("reason_code") == "other" and not body.get("note"):
                raise failure(422, "validation-error", "The request is not valid", note="value-error")
            if body["decision"] == "approve":
                api.add_entry(task["app_name"], task["points"], task_id=task["id"])
                task["status"] = "approved"
            else:
                reason = {"reason_code": body["reason_code"], "note": body.get("note")}
                task.update(status="rejected", last_rejection=reason)
            return JSONResponse({"task": task, "transaction_id": None})

        return api.once(request, effect)
