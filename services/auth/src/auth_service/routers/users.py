"""The caller's own account."""

from fastapi import APIRouter, Request, Response

from auth_service.dependencies import AccountsDep, SignedIn
from auth_service.schemas import AccountOut
from servicekit.conditional import conditional_json

router = APIRouter(prefix="/api/v1/users")


@router.get("/me", response_model=AccountOut, responses={304: {"description": "The client's copy is still good"}})
async def me(request: Request, principal: SignedIn, accounts: AccountsDep) -> Response:
    """Who I am."""
    account = await accounts.get(principal.user_id)
    body = AccountOut.model_validate(
        {
            **account.model_dump(include={"id", "email", "name", "roles", "created_at"}),
            "email_verified": account.email_verified_at is not None,
        }
    )
    return conditional_json(request, body)
