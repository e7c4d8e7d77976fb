"""Reviews, for those who decide."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from rewards_service.dependencies import KEYED, Decisions, Key, Queue, Reviewer, Reviews
from rewards_service.routers.answers import respond
from rewards_service.schemas.reviews import (
    BulkIn,
    BulkOut,
    DecisionIn,
    DecisionOut,
    LeaseOut,
    ReviewItem,
    ReviewStatistics,
    StatisticsPeriod,
)
from rewards_service.services.idempotency import Call
from servicekit.pagination import CursorParam, Limit, add_next_link
from servicekit.schemas import Page

router = APIRouter(prefix="/api/v1/reviews")


@router.get("")
async def list_reviews(
    request: Request,
    response: Response,
    reviewer: Reviewer,
    queue: Queue,
    sort: Annotated[
        Literal["age", "risk"], Query(description="`age`: the longest wait first; `risk`: the highest risk first")
    ] = "age",
    limit: Limit = 50,
    cursor: CursorParam = None,
) -> Page[ReviewItem]:
    """The proofs that wait for a decision, with the person's record and hints on re-used pictures. Not your own."""
    page = await queue.page(reviewer.user_id, sort, cursor, limit)
    add_next_link(request, response, page.next_cursor)
    return page


@router.post("/decisions", response_model=BulkOut, openapi_extra=KEYED)
async def decide_reviews(
    body: BulkIn, request: Request, reviewer: Reviewer, key: Key, decisions: Decisions
) -> Response:
    """Decide on several tasks, each by itself: one result for each, in their order, whatever becomes of the others."""
    content = body.model_dump_json().encode()
    call = Call.of(reviewer.user_id, "decide_reviews", key, path=request.scope["path"], content=content)
    return respond(await decisions.decide_all(call, body))


@router.get("/statistics")
async def get_review_statistics(
    _reviewer: Reviewer,
    queue: Queue,
    period: Annotated[
        StatisticsPeriod, Query(description="24 hours, 7 days, 30 days until now, or all time")
    ] = "month",
) -> ReviewStatistics:
    """How much was decided, how, and how long people waited for it: together, and by reviewer."""
    return await queue.statistics(period)


@router.post("/{task_id}/lease", responses={423: {"description": "Another reviewer holds the task"}})
async def lease_review(task_id: UUID, reviewer: Reviewer, reviews: Reviews) -> LeaseOut:
    """Hold a task for ten minutes, so that nobody else decides on it. Again: ten more."""
    return await reviews.lease(reviewer.user_id, task_id)


@router.delete("/{task_id}/lease", status_code=204, responses={423: {"description": "Another reviewer holds the task"}})
async def release_review(task_id: UUID, reviewer: Reviewer, reviews: Reviews) -> None:
    """Hold a task no longer, so that others may take it at once."""
    await reviews.release(reviewer.user_id, task_id)


@router.post(
    "/{task_id}/decision",
    response_model=DecisionOut,
    openapi_extra=KEYED,
    responses={
        403: {"description": "The task is your own"},
        409: {"description": "Decided already, or nothing to decide"},
        423: {"description": "Another reviewer holds the task"},
    },
)
async def decide_review(
    task_id: UUID, body: DecisionIn, request: Request, reviewer: Reviewer, key: Key, decisions: Decisions
) -> Response:
    """Approve or reject a task's newest proof.

    An approval credits the points in the same transaction, once and for ever. A reject needs a reason, which the person
    sees, and leaves the attempts that are left.
    """
    content = body.model_dump_json().encode()
    call = Call.of(reviewer.user_id, "decide_review", key, path=request.scope["path"], content=content)
    return respond(await decisions.decide(call, task_id, body))
