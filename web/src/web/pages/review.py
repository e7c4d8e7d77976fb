"""The reviewer's queue, and one decision at a time."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from web.api import ApiProblem
from web.api.reviews import Review
from web.forms import CheckedForm, Form
from web.problem_words import Trouble, trouble_of, words_of
from web.visits import ReviewerVisit, Visit

REASONS = ("wrong_app", "not_open", "unreadable", "duplicate", "edited", "other")
PAGES_SEARCHED = 10  # of 200: an entry deeper in the queue is opened from there
router = APIRouter()


@router.get("/review")
async def queue(visit: ReviewerVisit, cursor: str = "") -> Response:
    """What waits, oldest first."""
    return await _queue_page(visit, cursor=cursor)


@router.post("/review/{task_id}")
async def open_review(visit: ReviewerVisit, task_id: UUID, form: CheckedForm) -> Response:  # noqa: ARG001 - its check
    """Reserve the task for this reviewer, then show it."""
    try:
        await visit.api.reviews.lease(task_id)
    except ApiProblem as problem:
        if problem.status not in {403, 404, 409, 423}:
            raise
        return await _queue_page(visit, status=problem.status, trouble=Trouble(words_of(problem)))
    return visit.redirect(f"/review/{task_id}")


@router.get("/review/{task_id}")
async def review(visit: ReviewerVisit, task_id: UUID) -> Response:
    """The screenshot and the two answers."""
    return await _review_page(visit, task_id)


@router.post("/review/{task_id}/decision")
async def decide(visit: ReviewerVisit, task_id: UUID, form: CheckedForm) -> Response:
    """Approve or reject, then back to the queue. A second click repeats the first one's answer."""
    decision = form.given("decision", "proof_id", "reason_code", "note")
    try:
        await visit.api.reviews.decide(task_id, form.idempotency_key, decision)
    except ApiProblem as problem:
        if problem.status == 422:
            trouble = trouble_of(problem, {"reason_code", "note"})
            return await _review_page(visit, task_id, status=422, form=form, trouble=trouble)
        if problem.status not in {403, 404, 409, 423}:
            raise
        return await _queue_page(visit, status=problem.status, trouble=Trouble(words_of(problem)))
    return visit.redirect("/review", notice=f"decided-{decision.get('decision', '')}")


async def _queue_page(visit: Visit, *, status: int = 200, cursor: str = "", **values: Any) -> Response:
    listed = await visit.api.reviews.queue({"sort": "age", "cursor": cursor, "limit": 24})
    shown = {"trouble": None, **values}
    return visit.page(
        "review_queue.html", status=status, reviews=listed.items, next_cursor=listed.next_cursor, cursor=cursor, **shown
    )


async def _review_page(visit: Visit, task_id: UUID, *, status: int = 200, **values: Any) -> Response:
    found = await _find(visit, task_id)
    shown: dict[str, Any] = {"trouble": None, "form": Form(), **values}
    return visit.page("review.html", status=status, review=found, reasons=REASONS, **shown)


async def _find(visit: Visit, task_id: UUID) -> Review:
    """The queue's entry for a task: the API has no address for a single one."""
    cursor: str | None = ""
    for _ in range(PAGES_SEARCHED):
        listed = await visit.api.reviews.queue({"sort": "age", "cursor": cursor, "limit": 200})
        found = next((entry for entry in listed.items if entry.task.id == task_id), None)
        if found is not None:
            return found
        cursor = listed.next_cursor
        if cursor is None:
            break
    raise HTTPException(404)
