"""Who did what: to accounts, and to the catalogue."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web.api import ApiProblem
from web.problem_words import trouble_of
from web.visits import AdminVisit

KINDS = (
    "account.registered", "account.verified", "account.deleted", "login.succeeded", "login.refused", "session.ended",
    "sessions.ended", "password.changed", "password.reset", "password.reset_requested", "totp.enabled",
    "totp.disabled", "mfa.refused", "user.roles_changed", "user.disabled", "user.enabled",
)  # fmt: skip
PAGE = 25
router = APIRouter(prefix="/admin/audit")


@router.get("")
async def accounts(visit: AdminVisit, kind: str = "", user_id: str = "", cursor: str = "") -> Response:
    """What happened to the security of accounts."""
    filters = {"kind": kind if kind in KINDS else "", "user_id": user_id.strip()}
    shown: dict[str, Any] = {"events": [], "next_cursor": None, "trouble": None}
    status = 200
    try:
        listed = await visit.api.users.events({**filters, "cursor": cursor, "limit": PAGE})
        shown |= {"events": listed.items, "next_cursor": listed.next_cursor}
    except ApiProblem as problem:
        if problem.status != 422:
            raise
        status, shown["trouble"] = 422, trouble_of(problem, {"user_id"})
    return visit.page("admin_audit.html", status=status, filters=filters, kinds=KINDS, cursor=cursor, **shown)


@router.get("/catalog")
async def catalog(visit: AdminVisit, cursor: str = "") -> Response:
    """What administrators did to apps and categories."""
    listed = await visit.api.admin_catalog.changes({"cursor": cursor, "limit": PAGE})
    return visit.page("admin_audit_catalog.html", changes=listed.items, next_cursor=listed.next_cursor, cursor=cursor)
