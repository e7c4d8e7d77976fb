"""Register, confirm the address, sign in, sign out."""

from fastapi import APIRouter
from starlette.responses import Response

from servicekit.logs import get_logger
from web.api import Api, ApiAway, ApiProblem
from web.api.accounts import SignIn
from web.forms import CheckedForm
from web.problem_words import Trouble, trouble_of
from web.renewal import KnownToken, session_of
from web.sessions import SignInStep
from web.texts import text
from web.visits import AnyVisit, Visit, own_path

log = get_logger(__name__)
router = APIRouter()


@router.get("/register")
async def register_form(visit: AnyVisit) -> Response:
    """The form for a new account."""
    return visit.page("register.html", form={}, trouble=None)


@router.post("/register")
async def register(visit: AnyVisit, form: CheckedForm) -> Response:
    """Ask for an account. The answer is the same whether or not the address is known."""
    values = {name: form.get(name, "") for name in ("name", "email", "password")}
    try:
        await visit.api.accounts.register(values)
    except ApiProblem as problem:
        trouble = trouble_of(problem, set(values))
        return visit.page("register.html", status=problem.status, form=form, trouble=trouble)
    return visit.redirect("/register/sent")


@router.get("/register/sent")
async def register_sent(visit: AnyVisit) -> Response:
    """Where to look next."""
    return visit.page("register_sent.html")


@router.get("/verify-email")
async def verify_form(visit: AnyVisit, token: str = "") -> Response:
    """A button, as mail scanners follow links and would spend the token."""
    return visit.page("verify_email.html", token=token, trouble=None)


@router.post("/verify-email")
async def verify(visit: AnyVisit, form: CheckedForm) -> Response:
    """Confirm the address."""
    try:
        await visit.api.accounts.verify_email(form.get("token", ""))
    except ApiProblem as problem:
        if problem.status not in {410, 422}:
            raise
        trouble = Trouble(text("verify.spent"))
        return visit.page("verify_email.html", status=problem.status, token="", trouble=trouble)
    return visit.redirect("/apps" if visit.session else "/login", notice="verified")


@router.get("/login")
async def login_form(visit: AnyVisit, next: str = "/") -> Response:  # noqa: A002 - the name in the address
    """The form; who is signed in already goes on."""
    if visit.session is not None:
        return visit.redirect(own_path(next))
    return visit.page("login.html", form={"next": own_path(next)}, trouble=None)


@router.post("/login")
async def login(visit: AnyVisit, form: CheckedForm) -> Response:
    """Sign in, and go on to where this began."""
    form["next"] = own_path(form.get("next"))
    try:
        answer = await visit.api.accounts.login({"email": form.get("email", ""), "password": form.get("password", "")})
    except ApiProblem as problem:
        if problem.status not in {401, 422, 429}:
            raise
        words = trouble_of(problem, set())
        # What exactly is wrong with an address or a password is nobody's business at this door.
        trouble = Trouble(text("problem.invalid-credentials")) if problem.status != 429 else words
        return visit.page("login.html", status=problem.status, form=form, trouble=trouble)
    if answer.mfa_token is not None:
        return await visit.begin_step(SignInStep(mfa_token=answer.mfa_token, next=form["next"]), "/login/code")
    return await _signed_in(visit, answer, form["next"])


@router.get("/login/code")
async def code_form(visit: AnyVisit) -> Response:
    """The second half of signing in, for accounts with a second factor."""
    if await visit.site.sessions.read_step(visit.cookie_id, SignInStep) is None:
        return visit.redirect("/login", notice="sign-in-again")
    return visit.page("login_code.html", trouble=None)


@router.post("/login/code")
async def check_code(visit: AnyVisit, form: CheckedForm) -> Response:
    """Sign in with a code of the authenticator app, or with a recovery code."""
    sessions = visit.site.sessions
    step = await sessions.read_step(visit.cookie_id, SignInStep)
    if step is None:
        return visit.redirect("/login", notice="sign-in-again")
    try:
        answer = await visit.api.accounts.answer_mfa(step.mfa_token, form.get("code", "").strip())
    except ApiProblem as problem:
        if problem.code == "invalid-mfa-token":
            await sessions.end_step(visit.cookie_id, SignInStep)
            return visit.redirect("/login", notice="sign-in-again")
        if problem.status not in {401, 422, 429}:
            raise
        trouble = trouble_of(problem, set()) if problem.status != 422 else Trouble(text("problem.wrong-code"))
        return visit.page("login_code.html", status=problem.status, trouble=trouble)
    await sessions.end_step(visit.cookie_id, SignInStep)
    return await _signed_in(visit, answer, step.next)


async def _signed_in(visit: Visit, answer: SignIn, path: str) -> Response:
    if answer.tokens is None:
        raise ApiAway("a sign-in without tokens")
    account = await Api(visit.site.http, visit.browser, KnownToken(answer.tokens.access_token)).accounts.me()
    return await visit.sign_in(session_of(account, answer.tokens), path, answer.device_token)


@router.post("/logout")
async def logout(visit: AnyVisit, form: CheckedForm) -> Response:  # noqa: ARG001 - asked for its check
    """End the session, here in any case, and in the API when it answers."""
    if visit.session is not None:
        await visit.site.held.send_all_of(visit.session.user_id)
        try:
            await visit.api.accounts.logout()
        except (ApiProblem, ApiAway) as error:
            log.warning("logout.api_failed", cause=str(error))
    return await visit.sign_out("/", notice="signed-out")
