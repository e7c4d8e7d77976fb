"""Feeds and their runs."""

from datetime import date
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from isin_worker.dependencies import Admin, CursorsDep, FeedServiceDep, RunServiceDep
from isin_worker.schemas import FeedOut, FeedPage, RefusedOut, RefusedPage, RunIn, RunOut, RunPage
from servicekit.conditional import conditional_json
from servicekit.pagination import CursorParam, Limit, add_next_link
from servicekit.permissions import SignedIn

router = APIRouter(prefix="/api/v1/feeds")


@router.get("")
async def list_feeds(feeds: FeedServiceDep, _user: SignedIn) -> FeedPage:
    """All feeds, how fresh they are, and when they run next."""
    return FeedPage(items=await feeds.all())


@router.get("/{name}", response_model=FeedOut, responses={404: {"description": "No such feed"}})
async def get_feed(name: str, request: Request, feeds: FeedServiceDep, _user: SignedIn) -> Response:
    """One feed."""
    return conditional_json(request, await feeds.get(name))


@router.post(
    "/{name}/runs",
    status_code=202,
    responses={
        200: {"description": "It has run already: that run", "model": RunOut},
        404: {"description": "No such feed"},
        409: {"description": "It is running"},
    },
)
async def request_run(
    name: str, response: Response, runs: RunServiceDep, _admin: Admin, body: RunIn | None = None
) -> RunOut:
    """Ask for the run of a business date. One that succeeded is done again with `force` only."""
    wanted = body or RunIn()
    run, due = await runs.request(name, wanted.business_date, force=wanted.force)
    response.status_code = 202 if due else 200
    response.headers["Location"] = f"/api/v1/feeds/{name}/runs/{run.id}"
    return RunOut.model_validate(run)


@router.get("/{name}/runs", responses={404: {"description": "No such feed"}})
async def list_runs(
    name: str,
    request: Request,
    response: Response,
    runs: RunServiceDep,
    cursors: CursorsDep,
    _user: SignedIn,
    limit: Limit = 50,
    cursor: CursorParam = None,
) -> RunPage:
    """The runs of a feed, the newest business date first."""
    scope = f"runs:{name}"
    before = date.fromisoformat(cursors.decode(scope, cursor)[0]) if cursor else None
    items, more = await runs.page(name, before=before, limit=limit)
    next_cursor = cursors.encode(scope, [items[-1].business_date.isoformat()]) if more else None
    add_next_link(request, response, next_cursor)
    return RunPage(items=[RunOut.model_validate(run) for run in items], next_cursor=next_cursor)


@router.get("/{name}/runs/{run_id}", response_model=RunOut, responses={404: {"description": "No such feed or run"}})
async def get_run(name: str, run_id: UUID, request: Request, runs: RunServiceDep, _user: SignedIn) -> Response:
    """One run: how it stands, or what came out."""
    return conditional_json(request, RunOut.model_validate(await runs.get(name, run_id)))


_HELD: dict[int | str, dict[str, Any]] = {
    404: {"description": "No such feed or run"},
    409: {"description": "No gate holds it"},
}


@router.post("/{name}/runs/{run_id}/release", status_code=202, responses=_HELD)
async def release_run(name: str, run_id: UUID, response: Response, runs: RunServiceDep, _admin: Admin) -> RunOut:
    """Publish what a gate holds. The list is fetched again, and passes if it is the same; another is judged anew."""
    run = await runs.release(name, run_id)
    response.headers["Location"] = f"/api/v1/feeds/{name}/runs/{run.id}"
    return RunOut.model_validate(run)


@router.post("/{name}/runs/{run_id}/drop", responses=_HELD)
async def drop_run(name: str, run_id: UUID, runs: RunServiceDep, _admin: Admin) -> RunOut:
    """Settle that what a gate holds will not be published."""
    return RunOut.model_validate(await runs.drop(name, run_id))


@router.get("/{name}/runs/{run_id}/quarantine", responses={404: {"description": "No such feed or run"}})
async def list_refused(
    name: str,
    run_id: UUID,
    request: Request,
    response: Response,
    runs: RunServiceDep,
    cursors: CursorsDep,
    _admin: Admin,
    limit: Limit = 50,
    cursor: CursorParam = None,
) -> RefusedPage:
    """The rows that a run refused, and why."""
    scope = f"quarantine:{run_id}"
    line, last_id = cursors.decode(scope, cursor) if cursor else (-1, 0)
    rows, more = await runs.refused(name, run_id, after=(line, last_id), limit=limit)
    next_cursor = cursors.encode(scope, [rows[-1].row_number, rows[-1].id]) if more else None
    add_next_link(request, response, next_cursor)
    return RefusedPage(items=[RefusedOut.model_validate(row) for row in rows], next_cursor=next_cursor)
