"""The reviewer's queue, and deciding: one at a time, or several at once."""

import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from web.api import ApiProblem
from web.api.reviews import Review
from web.forms import CheckedForm, Form
from web.held_decisions import Held
from web.problem_words import Trouble, words_of
from web.texts import text
from web.visits import ReviewerVisit, Visit

REASONS = ("wrong_app", "not_open", "unreadable", "duplicate", "edited", "other")
SORTS = ("age", "risk")
PERIODS = ("day", "week", "month", "all")
QUEUE_SIZE = 24
PAGES_SEARCHED = 10  # of 100: an entry deeper in the queue is opened from there
router = APIRouter(prefix="/review")


@router.get("")
async def queue(visit: ReviewerVisit, sort: str = "age", cursor: str = "", decided: str = "") -> Response:
    """What waits, oldest or riskiest first."""
    return await _queue_page(visit, sort=sort, cursor=cursor, decided=decided)


@router.get("/statistics")
async def statistics(visit: ReviewerVisit, period: str = "month") -> Response:
    """What was decided in a period, and how long people waited."""
    chosen = period if period in PERIODS else "month"
    found = await visit.api.reviews.statistics(chosen)
    return visit.page("review_statistics.html", statistics=found, periods=PERIODS, chosen=chosen)


@router.post("/decisions")
async def decide_several(visit: ReviewerVisit, form: CheckedForm) -> Response:
    """One decision on every entry that was ticked."""
    ticked = {str(task_id): proof for name, proof in form.items() if (task_id := _ticked(name))}
    decision, trouble = _decision(form)
    if trouble is not None or not ticked:
        words = trouble or Trouble(text("review.bulk.nothing"))
        return await _queue_page(visit, status=422, sort=form.get("sort", ""), trouble=words, form=form)
    names = {str(entry.task.id): entry.task.app_name for entry in await _waiting(visit, form.get("sort", ""))}
    for ticked_id, proof_id in ticked.items():
        await _hold(visit, form, ticked_id, names.get(ticked_id, ""), {**decision, "proof_id": proof_id})
    return visit.redirect("/review", sort=_sort(form.get("sort", "")), decided=decision["decision"])


@router.post("/undo")
async def undo(visit: ReviewerVisit, form: CheckedForm) -> Response:
    """Take back what has not been sent yet."""
    back = await visit.site.held.undo(_user_id(visit), form.get("batch", ""))
    if not back:
        return await _queue_page(visit, status=409, trouble=Trouble(text("review.undo.late")))
    where = f"/review/{back[0].task_id}" if len(back) == 1 else "/review"
    return visit.redirect(where, notice="review-undone")


@router.post("/{task_id}")
async def open_review(visit: ReviewerVisit, task_id: UUID, form: CheckedForm) -> Response:
    """Reserve the task for this reviewer, then show it. The one that was left is free for others."""
    await _leave(visit, form.get("leave", ""))
    try:
        await visit.api.reviews.lease(task_id)
    except ApiProblem as problem:
        if problem.status not in {403, 404, 409, 423}:
            raise
        return await _queue_page(visit, status=problem.status, trouble=Trouble(words_of(problem)))
    return visit.redirect(f"/review/{task_id}", sort=_sort(form.get("sort", "")))


@router.get("/{task_id}")
async def review(
    visit: ReviewerVisit, task_id: UUID, sort: str = "age", compare: str = "", decided: str = ""
) -> Response:
    """The screenshot, what is known about it, and the two answers."""
    return await _review_page(visit, task_id, sort=sort, compare=compare, decided=decided)


@router.post("/{task_id}/decision")
async def decide(visit: ReviewerVisit, task_id: UUID, form: CheckedForm) -> Response:
    """Approve or reject, then on to the next one that is free. The decision can be taken back for some seconds."""
    sort = _sort(form.get("sort", ""))
    decision, trouble = _decision(form)
    if trouble is not None:
        return await _review_page(visit, task_id, status=422, sort=sort, form=form, trouble=trouble)
    waiting = await _waiting(visit, sort)
    place = next((n for n, entry in enumerate(waiting) if entry.task.id == task_id), None)
    name = "" if place is None else waiting[place].task.app_name
    await _hold(visit, form, str(task_id), name, {**decision, **form.given("proof_id")})
    following = await _lease_first(visit, waiting[(place or 0) + 1 :])
    path = f"/review/{following}" if following else "/review"
    return visit.redirect(path, sort=sort, decided=decision["decision"])


def _ticked(name: str) -> UUID | None:
    """The task whose box has this name."""
    try:
        return UUID(name.removeprefix("task-")) if name.startswith("task-") else None
    except ValueError:
        return None


def _decision(form: Form) -> tuple[dict[str, str], Trouble | None]:
    """What was chosen. What is missing is told at once, as the API is asked only after the time for an undo."""
    if form.get("decision") == "approve":
        return {"decision": "approve"}, None
    decision = {"decision": "reject", **form.given("reason_code", "note")}
    if decision.get("reason_code") not in REASONS:
        return decision, Trouble(
            text("problem.validation-error"), {"reason_code": text("fault.reason_code.value-error")}
        )
    if decision["reason_code"] == "other" and "note" not in decision:
        return decision, Trouble(text("problem.validation-error"), {"note": text("fault.note.value-error")})
    return decision, None


async def _hold(visit: Visit, form: Form, task_id: str, app_name: str, decision: dict[str, str]) -> None:
    held = Held(
        user_id=_user_id(visit), task_id=task_id, app_name=app_name, batch=form.idempotency_key[:36],
        decision=decision, cookie_id=visit.cookie_id, held_at=time.time(),
    )  # fmt: skip
    await visit.site.held.hold(held)


async def _lease_first(visit: Visit, entries: Sequence[Review]) -> UUID | None:
    """Reserve the first of ``entries`` that nobody else has."""
    for entry in entries:
        if _is_free(visit, entry):
            try:
                await visit.api.reviews.lease(entry.task.id)
            except ApiProblem as problem:
                if problem.status not in {403, 404, 409, 423}:
                    raise
            else:
                return entry.task.id
    return None


async def _leave(visit: Visit, task_id: str) -> None:
    """Give a task back, if that is still possible: it would be free by itself in some minutes."""
    try:
        await visit.api.reviews.release(UUID(task_id))
    except (ValueError, ApiProblem):
        return


async def _waiting(visit: Visit, sort: str, until: UUID | None = None) -> list[Review]:
    """The queue without what this reviewer has decided just now: its beginning, and on until ``until`` is in it."""
    held = {held.task_id for held in await visit.site.held.of(_user_id(visit))}
    found: list[Review] = []
    cursor: str | None = ""
    for _ in range(PAGES_SEARCHED):
        listed = await visit.api.reviews.queue({"sort": _sort(sort), "cursor": cursor, "limit": 100})
        found += [entry for entry in listed.items if str(entry.task.id) not in held]
        cursor = listed.next_cursor
        if cursor is None or until is None or any(entry.task.id == until for entry in listed.items):
            break
    return found


async def _queue_page(
    visit: Visit, *, status: int = 200, sort: str = "age", cursor: str = "", **values: Any
) -> Response:
    listed = await visit.api.reviews.queue({"sort": _sort(sort), "cursor": cursor, "limit": QUEUE_SIZE})
    shown = {"trouble": None, "form": Form(), "decided": "", **values, **await _held(visit)}
    gone = {held.task_id for held in shown["held"]}
    return visit.page(
        "review_queue.html",
        status=status,
        reviews=[entry for entry in listed.items if str(entry.task.id) not in gone],
        next_cursor=listed.next_cursor, cursor=cursor, sort=_sort(sort), sorts=SORTS, reasons=REASONS, **shown,
    )  # fmt: skip


async def _review_page(
    visit: Visit, task_id: UUID, *, status: int = 200, sort: str = "age", compare: str = "", **values: Any
) -> Response:
    waiting = await _waiting(visit, sort, until=task_id)
    place = next((n for n, entry in enumerate(waiting) if entry.task.id == task_id), None)
    if place is None:
        raise HTTPException(404)
    found = waiting[place]
    before = next((entry for entry in reversed(waiting[:place]) if _is_free(visit, entry)), None)
    after = next((entry for entry in waiting[place + 1 :] if _is_free(visit, entry)), None)
    match = next((match for match in found.hints.matches if str(match.proof_id) == compare), None)
    shown: dict[str, Any] = {"trouble": None, "form": Form(), "decided": "", **values, **await _held(visit)}
    return visit.page(
        "review.html", status=status, review=found, reasons=REASONS, before=before, after=after, match=match,
        sort=_sort(sort), place=place + 1, **shown,
    )  # fmt: skip


async def _held(visit: Visit) -> dict[str, Any]:
    """What can still be taken back, click by click, and what the API refused meanwhile."""
    user_id = _user_id(visit)
    held = await visit.site.held.of(user_id)
    clicks: dict[str, list[Held]] = {}
    for one in held:
        clicks.setdefault(one.batch, []).append(one)
    return {
        "held": held,
        "clicks": clicks,
        "undo_seconds": visit.site.held.seconds,
        "refusals": await visit.site.held.refusals(user_id),
    }


def _is_free(visit: Visit, entry: Review) -> bool:
    return entry.lease is None or str(entry.lease.reviewer_id) == _user_id(visit)


def _user_id(visit: Visit) -> str:
    assert visit.session is not None  # noqa: S101 - a ReviewerVisit has one
    return visit.session.user_id


def _sort(asked: str) -> str:
    return asked if asked in SORTS else "age"
