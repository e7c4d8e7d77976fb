"""Registering, signing in and out."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import OAuth2PasswordRequestForm

from auth_service.dependencies import AccountsDep, CallerDep, PasswordChangesDep, SessionsDep, SignedIn
from auth_service.schemas import (
    Accepted,
    ForgotIn,
    LoginIn,
    MfaIn,
    MfaRequiredOut,
    RefreshIn,
    RegisterIn,
    ResetIn,
    TokensOut,
    VerifyEmailIn,
)
from auth_service.services.access_tokens import LIFE_SECONDS
from auth_service.services.sessions import Challenge, TokenPair
from servicekit.problems import UnsupportedMediaType

router = APIRouter(prefix="/api/v1/auth")


FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}
TOO_MANY: dict[int | str, dict[str, Any]] = {429: {"description": "Too many tries: wait as `Retry-After` says"}}


async def _a_form(request: Request) -> None:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in FORMS:
        raise UnsupportedMediaType("Send the form as application/x-www-form-urlencoded.")


def _signed_in(outcome: TokenPair | Challenge, response: Response) -> TokensOut | MfaRequiredOut:
    if isinstance(outcome, Challenge):
        return MfaRequiredOut(mfa_token=outcome.mfa_token)
    return _tokens(outcome, response)


def _tokens(pair: TokenPair, response: Response) -> TokensOut:
    if pair.device_token is not None:
        response.headers["Device-Token"] = pair.device_token
    return TokensOut(access_token=pair.access_token, refresh_token=pair.refresh_token, expires_in=LIFE_SECONDS)


@router.post("/register", status_code=202, responses=TOO_MANY)
async def register(body: RegisterIn, accounts: AccountsDep) -> Accepted:
    """Make an account. The answer is the same for a known address; its owner gets a mail that says so."""
    await accounts.register(email=body.email, password=body.password.get_secret_value(), name=body.name)
    return Accepted()


@router.post(
    "/verify-email", status_code=204, responses={410: {"description": "Spent, expired or unknown"}, **TOO_MANY}
)
async def verify_email(body: VerifyEmailIn, caller: CallerDep, accounts: AccountsDep) -> None:
    """Confirm the address with the token of the link in the mail. It works once, for 24 hours."""
    await accounts.verify_email(body.token, caller)


@router.post("/login", responses={401: {"description": "Refused, for whatever cause"}, **TOO_MANY})
async def login(
    body: LoginIn, response: Response, caller: CallerDep, sessions: SessionsDep
) -> TokensOut | MfaRequiredOut:
    """Sign in with e-mail address and password. An address that is not verified yet may sign in too.

    The answer's header `Device-Token` is for this device to keep and to send the next time: then strangers who try
    passwords for this account can't keep it out. An account with a second factor gets an `mfa_token` for `/auth/mfa`.
    """
    return _signed_in(await sessions.login(body.email, body.password.get_secret_value(), caller), response)


@router.post(
    "/token",
    dependencies=[Depends(_a_form)],
    responses={401: {"description": "Refused, for whatever cause"}, **TOO_MANY},
)
async def token(
    form: Annotated[OAuth2PasswordRequestForm, Depends()],
    response: Response,
    caller: CallerDep,
    sessions: SessionsDep,
) -> TokensOut | MfaRequiredOut:
    """Sign in with a form (RFC 6749, section 4.3): the door for the Authorize button of these pages."""
    return _signed_in(await sessions.login(form.username, form.password, caller), response)


@router.post("/mfa", responses={401: {"description": "`wrong-code` or `invalid-mfa-token`"}, **TOO_MANY})
async def mfa(body: MfaIn, response: Response, caller: CallerDep, sessions: SessionsDep) -> TokensOut:
    """Finish a sign-in with a code of the authenticator app or a recovery code. Each code works once."""
    return _tokens(await sessions.finish_login(body.mfa_token, body.code, caller), response)


@router.post("/refresh", responses={401: {"description": "Not valid, or `refresh-reused`"}})
async def refresh(body: RefreshIn, response: Response, sessions: SessionsDep) -> TokensOut:
    """Change a refresh token for a new pair.

    The old one is spent. Sent again within 10 seconds, as when the answer was lost, it gives the same successor; sent
    later, it ends the session.
    """
    return _tokens(await sessions.refresh(body.refresh_token), response)


@router.post("/logout", status_code=204)
async def logout(principal: SignedIn, sessions: SessionsDep) -> None:
    """End this session. Its access tokens stop working everywhere within a second."""
    await sessions.logout(principal)


@router.post("/password/forgot", status_code=202, responses=TOO_MANY)
async def forgot_password(body: ForgotIn, changes: PasswordChangesDep) -> Accepted:
    """Ask for a link to choose a new password. The answer is the same for an unknown address."""
    await changes.forgot(body.email)
    return Accepted(detail="If there is an account with this address, a mail is on its way to it.")


@router.post(
    "/password/reset", status_code=204, responses={410: {"description": "Spent, expired or unknown"}, **TOO_MANY}
)
async def reset_password(body: ResetIn, caller: CallerDep, changes: PasswordChangesDep) -> None:
    """Choose a new password with the token of the link in the mail, which works once, for an hour.

    Every session ends, and the address counts as confirmed.
    """
    await changes.reset(body.token, body.password.get_secret_value(), caller)
