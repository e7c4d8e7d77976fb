"""A new password for whoever forgot the old one: by a link that only the owner of the address gets."""

from fastapi import APIRouter
from starlette.responses import Response

from web.api import ApiProblem
from web.forms import CheckedForm
from web.problem_words import Trouble, trouble_of
from web.texts import text
from web.visits import AnyVisit

router = APIRouter()


@router.get("/forgot-password")
async def forgot_form(visit: AnyVisit) -> Response:
    """The form that asks for the address."""
    return visit.page("forgot_password.html", form={}, trouble=None)


@router.post("/forgot-password")
async def forgot(visit: AnyVisit, form: CheckedForm) -> Response:
    """Ask for the mail. The answer is the same whether or not the address is known."""
    try:
        await visit.api.accounts.forgot_password(form.get("email", ""))
    except ApiProblem as problem:
        trouble = trouble_of(problem, {"email"})
        return visit.page("forgot_password.html", status=problem.status, form=form, trouble=trouble)
    return visit.redirect("/forgot-password/sent")


@router.get("/forgot-password/sent")
async def forgot_sent(visit: AnyVisit) -> Response:
    """Where to look next."""
    return visit.page("forgot_password_sent.html")


@router.get("/reset-password")
async def reset_form(visit: AnyVisit, token: str = "") -> Response:
    """The form for the new password."""
    return visit.page("reset_password.html", token=token, trouble=None)


@router.post("/reset-password")
async def reset(visit: AnyVisit, form: CheckedForm) -> Response:
    """Set the password. The link works once; a password that is refused does not use it up."""
    token = form.get("token", "")
    try:
        await visit.api.accounts.reset_password(token, form.get("password", ""))
    except ApiProblem as problem:
        if problem.status == 410:
            trouble = Trouble(text("reset.spent"))
            return visit.page("reset_password.html", status=410, token="", trouble=trouble)
        trouble = trouble_of(problem, {"password"})
        return visit.page("reset_password.html", status=problem.status, token=token, trouble=trouble)
    # Every session of the account has ended, this browser's among them.
    return await visit.sign_out("/login", notice="password-set")
