"""Adding and updating many apps from a file."""

from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from web.api import ApiProblem, Content
from web.forms import CheckedImport, Form
from web.problem_words import Trouble, words_of
from web.texts import text
from web.visits import AdminVisit, Visit

FORMATS = {"fdroid-index-v2": "application/json", "csv": "text/csv"}
router = APIRouter(prefix="/admin/imports")


@router.get("")
async def import_form(visit: AdminVisit) -> Response:
    """A file, and whether to try it first."""
    return _page(visit, Form(format="fdroid-index-v2", dry_run="yes"))


@router.post("")
async def start(visit: AdminVisit, sent: CheckedImport) -> Response:
    """Begin, and show how it goes."""
    form, upload = sent
    kind = FORMATS.get(form.get("format", ""))
    if upload is None or kind is None:
        return _page(
            visit, form, 422, Trouble(text("problem.validation-error"), {"file": text("admin.import.missing")})
        )
    query = {"format": form["format"], "dry_run": "true" if "dry_run" in form else "false"}
    try:
        started = await visit.api.admin_catalog.start_import(Content(kind, upload.file), query)
    except ApiProblem as problem:
        if problem.status not in {409, 413, 422}:
            raise
        return _page(visit, form, problem.status, Trouble(words_of(problem)))
    return visit.redirect(f"/admin/imports/{started.id}")


@router.get("/{import_id}")
async def progress(visit: AdminVisit, import_id: UUID) -> Response:
    """How far it is, then what came of it. While it runs the page loads itself again."""
    found = await visit.api.admin_catalog.get_import(import_id)
    response = visit.page("admin_import.html", job=found)
    if found.status == "running":
        response.headers["Refresh"] = "2"
    return response


def _page(visit: Visit, form: Form, status: int = 200, trouble: Trouble | None = None) -> Response:
    return visit.page("admin_imports.html", status=status, form=form, trouble=trouble, formats=list(FORMATS))
