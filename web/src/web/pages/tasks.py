"""One's own tasks, and handing in a screenshot."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from web.api import ApiProblem
from web.forms import UPLOAD_LIMIT, CheckedForm, CheckedUpload
from web.problem_words import Trouble, words_of
from web.texts import text
from web.visits import SignedInVisit, Visit

STATES = ("started", "submitted", "rejected", "approved", "cancelled", "expired", "reversed")
router = APIRouter()


@router.get("/tasks")
async def tasks(visit: SignedInVisit, status: str = "", cursor: str = "") -> Response:
    """One's own tasks, of one state or all."""
    chosen = status if status in STATES else ""
    listed = await visit.api.tasks.mine({"status": chosen, "cursor": cursor, "limit": 25})
    return visit.page(
        "tasks.html", tasks=listed.items, next_cursor=listed.next_cursor, states=STATES, chosen=chosen, cursor=cursor
    )


@router.get("/tasks/{task_id}")
async def task(visit: SignedInVisit, task_id: UUID) -> Response:
    """One task: how it stands, and what to do next."""
    return await _task_page(visit, task_id)


@router.post("/tasks/{task_id}/proofs")
async def submit(visit: SignedInVisit, task_id: UUID, sent: CheckedUpload) -> Response:
    """Hand in a screenshot. The page's script asks for JSON, a plain form for a page."""
    form, upload = sent
    if upload is None:
        return await _refused(visit, task_id, 422, text("upload.missing"))
    try:
        await visit.api.tasks.submit_proof(task_id, form.idempotency_key, upload)
    except ApiProblem as problem:
        if problem.status not in {409, 413, 415, 422}:
            raise
        return await _refused(visit, task_id, problem.status, words_of(problem))
    if _wants_json(visit):
        return JSONResponse({"next": f"/tasks/{task_id}?notice=proof-sent"}, status_code=201)
    return visit.redirect(f"/tasks/{task_id}", notice="proof-sent")


@router.post("/tasks/{task_id}/cancel")
async def cancel(visit: SignedInVisit, task_id: UUID, form: CheckedForm) -> Response:  # noqa: ARG001 - for its check
    """Give the task up."""
    try:
        await visit.api.tasks.cancel(task_id)
    except ApiProblem as problem:
        if problem.status != 409:
            raise
        return await _task_page(visit, task_id, status=409, trouble=Trouble(words_of(problem)))
    return visit.redirect(f"/tasks/{task_id}", notice="task-cancelled")


async def _refused(visit: Visit, task_id: UUID, status: int, words: str) -> Response:
    if _wants_json(visit):
        return JSONResponse({"words": words}, status_code=status)
    return await _task_page(visit, task_id, status=status, upload_trouble=words)


async def _task_page(visit: Visit, task_id: UUID, *, status: int = 200, **values: Any) -> Response:
    found = await visit.api.tasks.one(task_id)
    shown = {"upload_trouble": None, "trouble": None, **values}
    return visit.page("task.html", status=status, task=found, upload_limit=UPLOAD_LIMIT, **shown)


def _wants_json(visit: Visit) -> bool:
    return visit.request.headers.get("accept", "").startswith("application/json")
