"""The administrator's apps: add one by its Play Store link, change it, publish it, archive it."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from web.api import ApiProblem, Content
from web.api.catalog import App
from web.forms import CheckedForm, CheckedUpload, Form
from web.problem_words import Trouble, trouble_of, words_of
from web.texts import text
from web.together import together
from web.visits import AdminVisit, Visit

STATES = ("published", "draft", "archived")
WORDS = ("name", "summary", "description")
NEW_FIELDS = frozenset({"package_name", "name", "points", "summary", "category"})
LIMITS = ("max_completions", "max_completions_per_day")
WINDOW = ("available_from", "available_until")
EDIT_FIELDS = frozenset({*WORDS, *LIMITS, *WINDOW, "points", "category", "more_categories", "locale"})
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
router = APIRouter(prefix="/admin/apps")


@router.get("")
async def apps(visit: AdminVisit, status: str = "published", q: str = "", cursor: str = "") -> Response:
    """The apps of one state."""
    chosen = status if status in STATES else "published"
    listed = await visit.api.catalog.apps({"status": chosen, "q": q, "cursor": cursor, "limit": 50})
    return visit.page(
        "admin_apps.html",
        apps=listed.items, next_cursor=listed.next_cursor, states=STATES, chosen=chosen, q=q, cursor=cursor,
    )  # fmt: skip


@router.get("/new")
async def new_form(visit: AdminVisit) -> Response:
    """The form for a new app."""
    return await _new_page(visit, Form())


@router.post("/new")
async def add(visit: AdminVisit, form: CheckedForm) -> Response:
    """Add a draft."""
    values = {**form.given("package_name", "name", "summary"), **_points(form), **_category(form)}
    try:
        app = await visit.api.admin_catalog.create(values)
    except ApiProblem as problem:
        if problem.status not in {409, 422}:
            raise
        return await _new_page(visit, form, status=problem.status, trouble=trouble_of(problem, set(NEW_FIELDS)))
    return visit.redirect(f"/admin/apps/{app.id}", notice="app-added")


@router.get("/{app_id}")
async def edit_form(visit: AdminVisit, app_id: UUID) -> Response:
    """One app with everything that can be changed."""
    return await _edit_page(visit, app_id)


@router.post("/{app_id}")
async def change(visit: AdminVisit, app_id: UUID, form: CheckedForm) -> Response:
    """Change an app, unless somebody else did since the form was opened."""
    try:
        await visit.api.admin_catalog.change(app_id, form.get("etag", ""), _changes(form))
    except ApiProblem as problem:
        if problem.status not in {409, 412, 422, 428}:
            raise
        trouble = trouble_of(problem, set(EDIT_FIELDS))
        if problem.status in {412, 428}:
            trouble = Trouble(text("admin.app.stale"))
        return await _edit_page(visit, app_id, status=problem.status, form=form, trouble=trouble)
    return visit.redirect(f"/admin/apps/{app_id}", notice="app-saved")


@router.post("/{app_id}/publish")
async def publish(visit: AdminVisit, app_id: UUID, form: CheckedForm) -> Response:  # noqa: ARG001 - for its check
    """Show the app to everyone."""
    try:
        await visit.api.admin_catalog.publish(app_id)
    except ApiProblem as problem:
        return await _state_refused(visit, app_id, problem)
    return visit.redirect(f"/admin/apps/{app_id}", notice="app-published")


@router.post("/{app_id}/archive")
async def archive(visit: AdminVisit, app_id: UUID, form: CheckedForm) -> Response:  # noqa: ARG001 - for its check
    """Take the app out of the catalogue; what people earned with it stays theirs."""
    try:
        await visit.api.admin_catalog.archive(app_id)
    except ApiProblem as problem:
        return await _state_refused(visit, app_id, problem)
    return visit.redirect(f"/admin/apps/{app_id}", notice="app-archived")


@router.post("/{app_id}/icon")
async def set_icon(visit: AdminVisit, app_id: UUID, sent: CheckedUpload) -> Response:
    """A new icon."""
    _, upload = sent
    if upload is None:
        return await _edit_page(visit, app_id, status=422, trouble=Trouble(text("admin.icon.missing")))
    try:
        await visit.api.admin_catalog.set_icon(app_id, Content(upload.kind, upload.file))
    except ApiProblem as problem:
        if problem.status not in {409, 413, 415, 422}:
            raise
        return await _edit_page(visit, app_id, status=problem.status, trouble=Trouble(words_of(problem)))
    return visit.redirect(f"/admin/apps/{app_id}", notice="icon-set")


@router.post("/{app_id}/icon/remove")
async def remove_icon(visit: AdminVisit, app_id: UUID, form: CheckedForm) -> Response:
    """No icon any more."""
    try:
        await visit.api.admin_catalog.remove_icon(app_id, form.get("etag", ""))
    except ApiProblem as problem:
        return await _state_refused(visit, app_id, problem)
    return visit.redirect(f"/admin/apps/{app_id}", notice="icon-removed")


@router.post("/{app_id}/translations")
async def translate(visit: AdminVisit, app_id: UUID, form: CheckedForm) -> Response:
    """The texts in a further language, new or in place of those that were there."""
    locale = form.get("language", "").strip()
    values = {name: form.get(f"translated_{name}", "") for name in WORDS}
    if not LANGUAGE.fullmatch(locale):  # it becomes part of a path
        trouble = Trouble(text("problem.validation-error"), {"language": text("fault.language")})
        return await _edit_page(visit, app_id, status=422, translation=form, trouble=trouble)
    try:
        await visit.api.admin_catalog.translate(app_id, locale, values)
    except ApiProblem as problem:
        if problem.status not in {409, 422}:
            raise
        found = trouble_of(problem, set(WORDS))
        trouble = Trouble(found.words, {f"translated_{name}": words for name, words in found.fields.items()})
        return await _edit_page(visit, app_id, status=problem.status, translation=form, trouble=trouble)
    return visit.redirect(f"/admin/apps/{app_id}", notice="app-translated")


@router.post("/{app_id}/translations/remove")
async def untranslate(visit: AdminVisit, app_id: UUID, form: CheckedForm) -> Response:
    """Take a language away."""
    locale = form.get("language", "")
    if not LANGUAGE.fullmatch(locale):
        raise HTTPException(404)
    try:
        await visit.api.admin_catalog.untranslate(app_id, locale, form.get("etag", ""))
    except ApiProblem as problem:
        return await _state_refused(visit, app_id, problem)
    return visit.redirect(f"/admin/apps/{app_id}", notice="app-untranslated")


async def _state_refused(visit: Visit, app_id: UUID, problem: ApiProblem) -> Response:
    if problem.status not in {409, 412, 422, 428}:
        raise problem
    words = text("admin.app.stale.retry") if problem.status in {412, 428} else words_of(problem)
    return await _edit_page(visit, app_id, status=problem.status, trouble=Trouble(words))


async def _new_page(visit: Visit, form: Form, *, status: int = 200, trouble: Trouble | None = None) -> Response:
    categories = await visit.api.catalog.categories()
    return visit.page("admin_app_new.html", status=status, form=form, trouble=trouble, categories=categories)


async def _edit_page(
    visit: Visit, app_id: UUID, *, status: int = 200, form: Form | None = None, **values: Any
) -> Response:
    """The form shows what was typed, if anything was, and beside it what the catalogue has now."""
    (app, etag), categories, prices, translations, changes = await together(
        visit.api.catalog.app(app_id),
        visit.api.catalog.categories(),
        visit.api.admin_catalog.prices(app_id),
        visit.api.admin_catalog.translations(app_id),
        visit.api.admin_catalog.changes({"limit": 10}, app_id),
    )
    present = _fields_of(app)
    typed = form or present
    theirs = {name: value for name, value in present.items() if typed.get(name, "") != value}
    shown: dict[str, Any] = {"trouble": None, "translation": Form(), **values}
    return visit.page(
        "admin_app.html",
        prices=prices,
        translations=translations,
        changes=changes.items,
        status=status,
        app=app,
        etag=etag,
        categories=categories,
        form=typed,
        theirs=theirs,
        **shown,
    )


def _changes(form: Form) -> dict[str, Any]:
    """Every field that the form has: an emptied one is meant to be empty."""
    return {
        **{name: form.get(name, "") for name in WORDS},
        **_points(form),
        **_category(form),
        **form.given("locale"),
        "more_categories": form.get("more_categories", "").replace(",", " ").split(),
        **{name: _whole(form[name]) if form.get(name, "").strip() else None for name in LIMITS},
        **{name: _moment(form.get(name, "")) for name in WINDOW},
    }


def _moment(typed: str) -> str | None:
    """What a ``datetime-local`` field sends, which these pages call UTC, as RFC 3339 writes it."""
    moment = typed.strip()
    if not moment:
        return None
    return f"{moment}:00Z" if len(moment) == len("2026-11-21T09:30") else f"{moment.removesuffix('Z')}Z"


def _points(form: Form) -> dict[str, Any]:
    return {"points": _whole(form["points"])} if form.get("points", "").strip() else {}


def _whole(typed: str) -> int | str:
    """The number that was typed; anything else goes to the API as it is, which says what is wrong with it."""
    digits = typed.strip()
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= 18 else typed


def _category(form: Form) -> dict[str, Any]:
    """``<category>`` or ``<category>/<subcategory>``, as the one choice of the form says both."""
    category, _, subcategory = form.get("category", "").partition("/")
    return {"category": category, "subcategory": subcategory or None} if category else {}


def _fields_of(app: App) -> Form:
    """The app as the form would send it unchanged."""
    return Form(
        name=app.name,
        summary=app.summary,
        description=app.description,
        points=str(app.points),
        category=f"{app.category}/{app.subcategory}" if app.subcategory else app.category,
        more_categories=", ".join(app.more_categories),
        locale=app.locale,
        max_completions=_or_empty(app.max_completions),
        max_completions_per_day=_or_empty(app.max_completions_per_day),
        available_from=_local(app.available_from),
        available_until=_local(app.available_until),
    )


def _or_empty(value: int | None) -> str:
    return "" if value is None else str(value)


def _local(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")
