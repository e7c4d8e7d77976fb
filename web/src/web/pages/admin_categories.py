"""The tree of categories: two levels."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from web.api import ApiProblem
from web.forms import CheckedForm, Form
from web.problem_words import Trouble, trouble_of, words_of
from web.texts import text
from web.visits import AdminVisit, Visit

NEW_FIELDS = {"name", "slug", "parent"}
router = APIRouter(prefix="/admin/categories")


@router.get("")
async def tree(visit: AdminVisit) -> Response:
    """All of them, and a form for a new one."""
    return await _tree_page(visit)


@router.post("")
async def add(visit: AdminVisit, form: CheckedForm) -> Response:
    """A new one, below another or on the upper level."""
    try:
        await visit.api.admin_catalog.add_category(form.given("name", "slug", "parent"))
    except ApiProblem as problem:
        if problem.status not in {404, 409, 422}:
            raise
        return await _tree_page(visit, status=problem.status, form=form, trouble=trouble_of(problem, NEW_FIELDS))
    return visit.redirect("/admin/categories", notice="category-added")


@router.get("/{category_id}")
async def edit_form(visit: AdminVisit, category_id: UUID) -> Response:
    """One category."""
    return await _edit_page(visit, category_id)


@router.post("/{category_id}")
async def change(visit: AdminVisit, category_id: UUID, form: CheckedForm) -> Response:
    """Another name or place, unless somebody else changed it since the form was opened."""
    place = form.get("position", "").strip()
    values = {"name": form.get("name", ""), "position": int(place) if place.isdecimal() and len(place) < 10 else place}
    try:
        await visit.api.admin_catalog.change_category(category_id, form.get("etag", ""), values)
    except ApiProblem as problem:
        return await _refused(visit, category_id, problem, form)
    return visit.redirect("/admin/categories", notice="category-saved")


@router.post("/{category_id}/remove")
async def remove(visit: AdminVisit, category_id: UUID, form: CheckedForm) -> Response:
    """Remove one that nothing is in."""
    try:
        await visit.api.admin_catalog.remove_category(category_id, form.get("etag", ""))
    except ApiProblem as problem:
        return await _refused(visit, category_id, problem, None)
    return visit.redirect("/admin/categories", notice="category-removed")


async def _refused(visit: Visit, category_id: UUID, problem: ApiProblem, form: Form | None) -> Response:
    if problem.status not in {409, 412, 422, 428}:
        raise problem
    stale = problem.status in {412, 428}
    trouble = Trouble(text("admin.stale")) if stale else trouble_of(problem, {"name", "position"})
    if problem.status == 409:
        trouble = Trouble(words_of(problem))
    return await _edit_page(visit, category_id, status=problem.status, form=form, trouble=trouble)


async def _tree_page(visit: Visit, *, status: int = 200, **values: Any) -> Response:
    shown: dict[str, Any] = {"form": Form(), "trouble": None, **values}
    return visit.page("admin_categories.html", status=status, categories=await visit.api.catalog.categories(), **shown)


async def _edit_page(
    visit: Visit, category_id: UUID, *, status: int = 200, form: Form | None = None, trouble: Trouble | None = None
) -> Response:
    found, etag = await visit.api.admin_catalog.category(category_id)
    present = Form(name=found.name, position=str(found.position))
    typed = form or present
    theirs = {name: value for name, value in present.items() if typed.get(name, "") != value}
    return visit.page(
        "admin_category.html", status=status, category=found, etag=etag, form=typed, theirs=theirs, trouble=trouble
    )
