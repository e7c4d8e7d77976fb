"""The catalogue, and beginning with an app."""

import asyncio
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from web.api import ApiProblem
from web.api.tasks import Task
from web.forms import CheckedForm
from web.problem_words import Trouble, words_of
from web.visits import AnyVisit, SignedInVisit, Visit

SORTS = ("-points", "points", "name", "-created_at")
TASKS_LIMIT = 200  # the most that the API gives at once
router = APIRouter()


@router.get("/apps")
async def apps(visit: AnyVisit, q: str = "", category: str = "", sort: str = "", cursor: str = "") -> Response:
    """Search, filter and sort the published apps."""
    query = {"q": q, "category": category, "sort": sort if sort in SORTS else ""}
    listed, categories, tasks = await asyncio.gather(
        visit.api.catalog.apps({**query, "cursor": cursor, "limit": 24}),
        visit.api.catalog.categories(),
        _tasks_by_app(visit),
    )
    return visit.page(
        "apps.html",
        apps=listed.items,
        next_cursor=listed.next_cursor,
        categories=categories,
        tasks=tasks,
        filters=query,
        cursor=cursor,
        sorts=SORTS,
    )


@router.get("/apps/{app_id}")
async def app(visit: AnyVisit, app_id: UUID) -> Response:
    """One app, and what to do for its points."""
    return await _app_page(visit, app_id)


@router.post("/apps/{app_id}/start")
async def start(visit: SignedInVisit, app_id: UUID, form: CheckedForm) -> Response:
    """Begin a task. The second click of a double click finds the task of the first."""
    try:
        task = await visit.api.tasks.start(app_id, form.idempotency_key)
    except ApiProblem as problem:
        if problem.status not in {403, 409, 410, 422}:
            raise
        trouble = Trouble(words_of(problem))
        return await _app_page(visit, app_id, status=problem.status, trouble=trouble)
    return visit.redirect(f"/tasks/{task.id}", notice="task-started")


async def _app_page(visit: Visit, app_id: UUID, *, status: int = 200, **values: Any) -> Response:
    (found, _), tasks = await asyncio.gather(visit.api.catalog.app(app_id), _tasks_by_app(visit))
    shown = {"trouble": None, **values}
    return visit.page("app.html", status=status, app=found, task=tasks.get(app_id), **shown)


async def _tasks_by_app(visit: Visit) -> dict[UUID, Task]:
    """One's newest task for each app, for the states on the cards."""
    if visit.session is None:
        return {}
    newest_first = sorted(
        (await visit.api.tasks.mine({"limit": TASKS_LIMIT})).items, key=lambda task: task.created_at, reverse=True
    )
    by_app: dict[UUID, Task] = {}
    for task in newest_first:
        by_app.setdefault(task.app_id, task)
    return by_app
