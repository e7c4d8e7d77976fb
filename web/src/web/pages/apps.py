"""The catalogue, and beginning with an app."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from web.api import ApiProblem
from web.api.catalog import Category
from web.api.points import Summary
from web.api.tasks import Task
from web.forms import CheckedForm
from web.problem_words import Trouble, words_of
from web.together import together
from web.visits import AnyVisit, SignedInVisit, Visit

SORTS = ("-points", "points", "name", "-created_at")
PAGE = 24
router = APIRouter()


@router.get("/apps")
async def apps(visit: AnyVisit, cursor: str = "") -> Response:
    """Search, filter and sort the published apps, with one's own state on each."""
    filters = _filters(visit.request.query_params)
    listed, categories, summary = await together(
        visit.api.catalog.apps({**filters, "facets": "true", "cursor": cursor, "limit": PAGE}),
        visit.api.catalog.categories(),
        _summary(visit),
    )
    tasks = await _tasks_by_app(visit, [app.id for app in listed.items])
    return visit.page(
        "apps.html",
        listed=listed,
        categories={category.slug: category for category in categories},
        upper=_upper(categories, filters["category"]),
        tasks=tasks,
        summary=summary,
        filters=filters,
        cursor=cursor,
        sorts=("relevance", *SORTS) if filters["q"] else SORTS,
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
    (found, _), tasks = await together(visit.api.catalog.app(app_id), _tasks_by_app(visit, [app_id]))
    shown = {"trouble": None, **values}
    return visit.page("app.html", status=status, app=found, task=tasks.get(app_id), **shown)


def _filters(given: Mapping[str, str]) -> dict[str, str]:
    """What the address asks for, as far as the API takes it; a number that is none is left out."""
    q, sort = given.get("q", "").strip(), given.get("sort", "")
    return {
        "q": q,
        "category": given.get("category", ""),
        "min_points": _number(given.get("min_points", "")),
        "max_points": _number(given.get("max_points", "")),
        "sort": sort if sort in SORTS else "relevance" if q else "",
    }


def _number(typed: str) -> str:
    digits = typed.strip()
    return digits if digits.isascii() and digits.isdecimal() and len(digits) <= 9 else ""


def _upper(categories: list[Category], slug: str) -> Category | None:
    """The category of the upper level that ``slug`` is, or is below."""
    return next((one for one in categories if slug in {one.slug, *(child.slug for child in one.children)}), None)


async def _summary(visit: Visit) -> Summary | None:
    return None if visit.session is None else await visit.api.points.summary()


async def _tasks_by_app(visit: Visit, app_ids: list[UUID]) -> dict[UUID, Task]:
    """One's newest task for each of these apps."""
    if visit.session is None or not app_ids:
        return {}
    query = {"app_id": [str(app_id) for app_id in app_ids], "limit": 200}
    newest_first = (await visit.api.tasks.mine(query)).items
    return {task.app_id: task for task in reversed(newest_first)}
