"""One's own account: name, password, where one is signed in, and its end."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from web.api import ApiProblem
from web.forms import CheckedForm
from web.problem_words import Trouble, trouble_of
from web.texts import text
from web.together import together
from web.visits import SignedInVisit, Visit

router = APIRouter(prefix="/profile")


@router.get("")
async def profile(visit: SignedInVisit) -> Response:
    """Everything about the account on one page."""
    return await profile_page(visit)


@router.post("/name")
async def rename(visit: SignedInVisit, form: CheckedForm) -> Response:
    """Another name."""
    try:
        account = await visit.api.profile.rename(form.get("name", ""))
    except ApiProblem as problem:
        if problem.status != 422:
            raise
        trouble = trouble_of(problem, {"name"})
        return await profile_page(visit, status=422, form=form, trouble=trouble, part="name")
    await visit.renamed(account.name)
    return visit.redirect("/profile", notice="name-saved")


@router.post("/password")
async def change_password(visit: SignedInVisit, form: CheckedForm) -> Response:
    """Another password; all other places are signed out."""
    try:
        await visit.api.profile.change_password(form.get("current_password", ""), form.get("new_password", ""))
    except ApiProblem as problem:
        if problem.code != "wrong-password" and problem.status not in {422, 429}:
            raise
        trouble = trouble_of(problem, {"current_password", "new_password"})
        return await profile_page(visit, status=shown_status(problem), trouble=trouble, part="password")
    return visit.redirect("/profile", notice="password-changed")


@router.post("/sessions/{session_id}/end")
async def end_session(visit: SignedInVisit, session_id: UUID, form: CheckedForm) -> Response:  # noqa: ARG001 - its check
    """Sign out at one place. One that has ended meanwhile is as good."""
    try:
        await visit.api.profile.end_session(session_id)
    except ApiProblem as problem:
        if problem.status != 404:
            raise
    return visit.redirect("/profile", notice="session-ended")


@router.post("/sessions/end-others")
async def end_other_sessions(visit: SignedInVisit, form: CheckedForm) -> Response:  # noqa: ARG001 - its check
    """Sign out everywhere but here."""
    await visit.api.profile.end_other_sessions()
    return visit.redirect("/profile", notice="sessions-ended")


@router.get("/delete")
async def delete_form(visit: SignedInVisit) -> Response:
    """What deleting the account means."""
    return visit.page("profile_delete.html", trouble=None)


@router.post("/delete")
async def delete(visit: SignedInVisit, form: CheckedForm) -> Response:
    """The end of the account, once it is said that it is meant."""
    if form.get("sure") != "yes":
        trouble = Trouble(text("delete.not_sure"))
        return visit.page("profile_delete.html", status=422, trouble=trouble)
    try:
        await visit.api.profile.delete()
    except ApiProblem as problem:
        if problem.status != 409:
            raise
        return visit.page("profile_delete.html", status=409, trouble=trouble_of(problem, set()))
    return await visit.sign_out("/", notice="account-deleted")


def shown_status(problem: ApiProblem) -> int:
    """A wrong password in a form is a fault of the form: 401 would mean that nobody is signed in."""
    return 422 if problem.status == 401 else problem.status


async def profile_page(visit: Visit, *, status: int = 200, part: str = "", **values: Any) -> Response:
    """The page; ``part`` says which of its forms the trouble belongs to."""
    account, places = await together(visit.api.profile.read(), visit.api.profile.sessions())
    shown: dict[str, Any] = {"trouble": None, "form": {"name": account.name}, **values}
    return visit.page("profile.html", status=status, account=account, places=places.items, part=part, **shown)
