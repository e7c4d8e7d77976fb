"""Other people's accounts, and the audit log: for administrators."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response

from auth_service.dependencies import Admin, AdministrationDep
from auth_service.schemas import AuditEventOut, UserChangeIn, UserOut
from servicekit.conditional import conditional_json
from servicekit.pagination import CursorParam, Limit, add_next_link
from servicekit.schemas import Page, Text

router = APIRouter(prefix="/api/v1")

CHANGE: dict[int | str, dict[str, Any]] = {
    404: {"description": "No such account"},
    409: {"description": "The last administrator stays"},
    412: {"description": "The account has changed since"},
    428: {"description": "If-Match is missing"},
}


@router.get("/users")
async def list_users(
    request: Request,
    response: Response,
    _admin: Admin,
    administration: AdministrationDep,
    q: Annotated[Text | None, Query(max_length=100, description="A part of the name or of the e-mail address")] = None,
    limit: Limit = 50,
    cursor: CursorParam = None,
) -> Page[UserOut]:
    """All accounts, or those that ``q`` finds, newest first."""
    page = await administration.page(q, cursor, limit)
    add_next_link(request, response, page.next_cursor)
    return page


@router.get("/users/{user_id}", response_model=UserOut, responses={404: {"description": "No such account"}})
async def get_user(request: Request, user_id: UUID, _admin: Admin, administration: AdministrationDep) -> Response:
    """One account, with the ETag that a change needs."""
    return conditional_json(request, await administration.get(user_id))


@router.patch("/users/{user_id}", response_model=UserOut, responses=CHANGE)
async def change_user(
    request: Request,
    user_id: UUID,
    body: UserChangeIn,
    admin: Admin,
    administration: AdministrationDep,
    if_match: Annotated[str | None, Header(description="The ETag that you read")] = None,
) -> Response:
    """Set roles, disable or enable. All sessions of the account end, and its tokens stop working within a second."""
    return conditional_json(request, await administration.change(admin.user_id, user_id, body, if_match))


@router.delete("/users/{user_id}/sessions", status_code=204, responses={404: {"description": "No such account"}})
async def end_sessions_of_user(user_id: UUID, admin: Admin, administration: AdministrationDep) -> None:
    """Sign somebody out everywhere."""
    await administration.end_sessions(admin.user_id, user_id)


@router.get("/audit-events")
async def list_audit_events(
    request: Request,
    response: Response,
    _admin: Admin,
    administration: AdministrationDep,
    user_id: Annotated[UUID | None, Query(description="Only events about this account")] = None,
    kind: Annotated[str | None, Query(max_length=64, examples=["user.roles_changed"])] = None,
    limit: Limit = 50,
    cursor: CursorParam = None,
) -> Page[AuditEventOut]:
    """What happened to the security of accounts, newest first."""
    page = await administration.events(user_id=user_id, kind=kind, cursor=cursor, limit=limit)
    add_next_link(request, response, page.next_cursor)
    return page
