"""The ledger: every transaction, points by hand, taking back, and whether all of it holds."""

import re
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from web.api import ApiProblem
from web.forms import CheckedForm, Form
from web.problem_words import trouble_of
from web.visits import AdminVisit, Visit

WHOLE = re.compile(r"[+-]?[0-9]{1,15}")
FIELDS = {"user_id", "points", "reason"}
router = APIRouter(prefix="/admin/points")


@router.get("")
async def transactions(visit: AdminVisit, user_id: str = "", cursor: str = "") -> Response:
    """The newest first, of everybody or of one person."""
    return await _ledger_page(visit, user_id=user_id, cursor=cursor)


@router.post("")
async def adjust(visit: AdminVisit, form: CheckedForm) -> Response:
    """Give points by hand, or take some."""
    values = {"user_id": form.get("user_id", "").strip(), "points": _points(form), "reason": form.get("reason", "")}
    try:
        booked = await visit.api.ledger.adjust(form.idempotency_key, values)
    except ApiProblem as problem:
        if problem.status not in {404, 409, 422}:
            raise
        return await _ledger_page(visit, status=problem.status, form=form, trouble=trouble_of(problem, FIELDS))
    return visit.redirect(f"/admin/points/{booked.id}", notice="points-adjusted")


@router.get("/verify")
async def verify(visit: AdminVisit) -> Response:
    """Walk the whole ledger."""
    return visit.page("admin_verify.html", found=await visit.api.ledger.verify())


@router.get("/{transaction_id}")
async def transaction(visit: AdminVisit, transaction_id: UUID) -> Response:
    """One transaction with its entries."""
    return await _transaction_page(visit, transaction_id)


@router.post("/{transaction_id}/reverse")
async def reverse(visit: AdminVisit, transaction_id: UUID, form: CheckedForm) -> Response:
    """Undo a transaction by another one."""
    try:
        reversal = await visit.api.ledger.reverse(transaction_id, form.idempotency_key, form.get("reason", ""))
    except ApiProblem as problem:
        if problem.status not in {409, 422}:
            raise
        trouble = trouble_of(problem, {"reason"})
        return await _transaction_page(visit, transaction_id, status=problem.status, form=form, trouble=trouble)
    return visit.redirect(f"/admin/points/{reversal.id}", notice="points-reversed")


def _points(form: Form) -> int | str:
    """The number that was typed; anything else goes to the API as it is, which says what is wrong with it."""
    typed = form.get("points", "").strip().replace("\N{MINUS SIGN}", "-")
    return int(typed) if WHOLE.fullmatch(typed) else typed


async def _ledger_page(
    visit: Visit, *, status: int = 200, user_id: str = "", cursor: str = "", **values: Any
) -> Response:
    shown: dict[str, Any] = {"form": Form(user_id=user_id), "trouble": None, "items": [], "next_cursor": None, **values}
    try:
        listed = await visit.api.ledger.transactions({"user_id": user_id, "cursor": cursor, "limit": 30})
        shown |= {"items": listed.items, "next_cursor": listed.next_cursor}
    except ApiProblem as problem:
        if problem.status != 422:
            raise
        status, shown["trouble"] = 422, trouble_of(problem, {"user_id"})
    return visit.page("admin_points.html", status=status, user_id=user_id, cursor=cursor, **shown)


async def _transaction_page(visit: Visit, transaction_id: UUID, *, status: int = 200, **values: Any) -> Response:
    found = await visit.api.ledger.one(transaction_id)
    shown: dict[str, Any] = {"form": Form(), "trouble": None, **values}
    return visit.page("admin_transaction.html", status=status, found=found, **shown)
