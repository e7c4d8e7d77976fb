"""People: find them, see their rights, change these, sign them out."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from web.api import ApiProblem
from web.forms import CheckedForm
from web.problem_words import Trouble, words_of
from web.texts import text
from web.together import together
from web.visits import AdminVisit, Visit

ROLES = ("user", "reviewer", "admin")
router = APIRouter(prefix="/admin/users")


@router.get("")
async def users(visit: AdminVisit, q: str = "", cursor: str = "") -> Response:
    """Accounts, newest first."""
    listed = await visit.api.users.list({"q": q.strip()[:100], "cursor": cursor, "limit": 50})
    return visit.page("admin_users.html", users=listed.items, next_cursor=listed.next_cursor, q=q, cursor=cursor)


@router.get("/{user_id}")
async def user(visit: AdminVisit, user_id: UUID) -> Response:
    """One account: rights, points, and what happened to it."""
    return await _user_page(visit, user_id)


@router.post("/{user_id}")
async def change(visit: AdminVisit, user_id: UUID, form: CheckedForm) -> Response:
    """Roles, and whether the account is suspended. A change ends its sessions."""
    values = {
        "roles": ["user", *(role for role in ROLES[1:] if f"role-{role}" in form)],
        "disabled": "disabled" in form,
    }
    try:
        await visit.api.users.change(user_id, form.get("etag", ""), values)
    except ApiProblem as problem:
        if problem.status not in {409, 412, 422, 428}:
            raise
        words = text("admin.stale") if problem.status in {412, 428} else words_of(problem)
        return await _user_page(visit, user_id, status=problem.status, trouble=Trouble(words), chosen=values)
    return visit.redirect(f"/admin/users/{user_id}", notice="user-saved")


@router.post("/{user_id}/sessions")
async def end_sessions(visit: AdminVisit, user_id: UUID, form: CheckedForm) -> Response:  # noqa: ARG001 - its check
    """Sign somebody out everywhere."""
    await visit.api.users.end_sessions(user_id)
    return visit.redirect(f"/admin/users/{user_id}", notice="user-signed-out")


async def _user_page(visit: Visit, user_id: UUID, *, status: int = 200, **values: Any) -> Response:
    (found, etag), events, ledger = await together(
        visit.api.users.one(user_id),
        visit.api.users.events({"user_id": str(user_id), "limit": 10}),
        visit.api.ledger.transactions({"user_id": str(user_id), "limit": 10}),
    )
    shown: dict[str, Any] = {"trouble": None, "chosen": None, **values}
    return visit.page(
        "admin_user.html", status=status, user=found, etag=etag, events=events.items, transactions=ledger.items,
        roles=ROLES, **shown,
    )  # fmt: skip
