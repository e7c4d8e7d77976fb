"""The caller's own account and sessions."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response

from auth_service.dependencies import AccountsDep, PasswordChangesDep, SecondFactorDep, SessionListDep, SignedIn
from auth_service.schemas import (
    Accepted,
    AccountOut,
    CodeIn,
    PasswordChangeIn,
    PasswordIn,
    ProfileIn,
    RecoveryCodesOut,
    SessionOut,
    TotpOut,
)
from auth_service.services.profiles import profile_of
from servicekit.conditional import conditional_json
from servicekit.pagination import CursorParam, Limit, add_next_link
from servicekit.schemas import Page

router = APIRouter(prefix="/api/v1/users/me")

WRONG_PASSWORD: dict[int | str, dict[str, Any]] = {
    401: {"description": "Not signed in, or `wrong-password`"},
    429: {"description": "Too many tries: wait as `Retry-After` says"},
}


@router.get("", response_model=AccountOut, responses={304: {"description": "The client's copy is still good"}})
async def me(request: Request, principal: SignedIn, accounts: AccountsDep) -> Response:
    """Who I am."""
    return conditional_json(request, profile_of(await accounts.get(principal.user_id)))


@router.patch("", response_model=AccountOut, responses={412: {"description": "The account has changed since"}})
async def change_me(
    request: Request,
    body: ProfileIn,
    principal: SignedIn,
    accounts: AccountsDep,
    if_match: Annotated[str | None, Header(description="The ETag that you read, if the change depends on it")] = None,
) -> Response:
    """Change my name."""
    account = await accounts.rename(principal.user_id, body.name, if_match=if_match)
    return conditional_json(request, profile_of(account))


@router.delete("", status_code=202, responses={409: {"description": "The last administrator stays"}})
async def delete_me(principal: SignedIn, accounts: AccountsDep) -> Accepted:
    """Delete my account. All sessions end, address and name go; the points keep their history, without a name."""
    await accounts.delete(principal.user_id)
    return Accepted(detail="The account is deleted.")


@router.put("/password", status_code=204, responses=WRONG_PASSWORD)
async def change_password(body: PasswordChangeIn, principal: SignedIn, changes: PasswordChangesDep) -> None:
    """Choose a new password. All other sessions end."""
    await changes.change(principal, body.current_password.get_secret_value(), body.new_password.get_secret_value())


@router.get("/sessions")
async def list_sessions(
    request: Request,
    response: Response,
    principal: SignedIn,
    sessions: SessionListDep,
    limit: Limit = 50,
    cursor: CursorParam = None,
) -> Page[SessionOut]:
    """Where I am signed in, newest first."""
    page = await sessions.page(principal, cursor, limit)
    add_next_link(request, response, page.next_cursor)
    return page


@router.delete("/sessions", status_code=204)
async def end_other_sessions(principal: SignedIn, sessions: SessionListDep) -> None:
    """Sign out everywhere else."""
    await sessions.end_others(principal)


@router.delete("/sessions/{session_id}", status_code=204, responses={404: {"description": "Not one of yours"}})
async def end_session(session_id: UUID, principal: SignedIn, sessions: SessionListDep) -> None:
    """End one session. Its access tokens stop working everywhere within a second."""
    await sessions.end(principal, session_id)


@router.post(
    "/totp",
    status_code=201,
    responses={**WRONG_PASSWORD, 409: {"description": "A second factor is on already"}},
)
async def propose_totp(body: PasswordIn, response: Response, principal: SignedIn, factor: SecondFactorDep) -> TotpOut:
    """Set up an authenticator app. Nothing changes until a code of it is confirmed."""
    response.headers["Location"] = "/api/v1/users/me/totp"
    return await factor.propose(principal, body.password.get_secret_value())


@router.post(
    "/totp/confirm",
    responses={
        401: {"description": "Not signed in, or `wrong-code`"},
        409: {"description": "Nothing to confirm"},
        429: {"description": "Too many tries: wait as `Retry-After` says"},
    },
)
async def confirm_totp(body: CodeIn, principal: SignedIn, factor: SecondFactorDep) -> RecoveryCodesOut:
    """Switch the second factor on with a code of the app. The recovery codes are shown this once."""
    return await factor.confirm(principal, body.code)


@router.delete(
    "/totp", status_code=204, responses={**WRONG_PASSWORD, 409: {"description": "There is no second factor"}}
)
async def remove_totp(body: PasswordIn, principal: SignedIn, factor: SecondFactorDep) -> None:
    """Switch the second factor off."""
    await factor.remove(principal, body.password.get_secret_value())
