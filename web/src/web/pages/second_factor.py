"""The second factor: set up with a QR code, confirmed with a first code, and switched off again."""

from fastapi import APIRouter
from starlette.responses import Response

from web.api import ApiProblem
from web.forms import CheckedForm
from web.pages.profile import profile_page, shown_status
from web.problem_words import trouble_of
from web.qr_codes import qr_code
from web.sessions import TotpStep
from web.visits import SignedInVisit, Visit

router = APIRouter(prefix="/profile/totp")


@router.post("")
async def propose(visit: SignedInVisit, form: CheckedForm) -> Response:
    """Ask for a secret. Until a code of it is confirmed nothing has changed."""
    try:
        proposed = await visit.api.profile.propose_totp(form.get("password", ""))
    except ApiProblem as problem:
        return await _refused(visit, problem)
    step = TotpStep(secret=proposed.secret, otpauth_uri=proposed.otpauth_uri)
    await visit.site.sessions.keep_step(visit.cookie_id, step)
    return visit.redirect("/profile/totp")


@router.get("")
async def setup(visit: SignedInVisit) -> Response:
    """The QR code, and the field for the first code."""
    step = await visit.site.sessions.read_step(visit.cookie_id, TotpStep)
    return visit.redirect("/profile") if step is None else _setup_page(visit, step)


@router.post("/confirm")
async def confirm(visit: SignedInVisit, form: CheckedForm) -> Response:
    """Switch it on. The recovery codes are shown this once, so the page is no redirect."""
    step = await visit.site.sessions.read_step(visit.cookie_id, TotpStep)
    if step is None:
        return visit.redirect("/profile")
    try:
        codes = await visit.api.profile.confirm_totp(form.get("code", "").strip())
    except ApiProblem as problem:
        if problem.code != "wrong-code" and problem.status not in {422, 429}:
            raise
        return _setup_page(visit, step, problem)
    await visit.site.sessions.end_step(visit.cookie_id, TotpStep)
    return visit.page("recovery_codes.html", codes=codes)


@router.post("/remove")
async def remove(visit: SignedInVisit, form: CheckedForm) -> Response:
    """Switch it off."""
    try:
        await visit.api.profile.remove_totp(form.get("password", ""))
    except ApiProblem as problem:
        return await _refused(visit, problem)
    return visit.redirect("/profile", notice="totp-removed")


def _setup_page(visit: Visit, step: TotpStep, problem: ApiProblem | None = None) -> Response:
    trouble = trouble_of(problem, set()) if problem else None
    status = shown_status(problem) if problem else 200
    code = qr_code(step.otpauth_uri)
    return visit.page("totp_setup.html", status=status, trouble=trouble, qr=code, secret=step.secret)


async def _refused(visit: Visit, problem: ApiProblem) -> Response:
    if problem.code != "wrong-password" and problem.status not in {409, 422, 429}:
        raise problem
    trouble = trouble_of(problem, set())
    return await profile_page(visit, status=shown_status(problem), trouble=trouble, part="totp")
