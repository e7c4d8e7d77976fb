"""The ledger, for administrators."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from rewards_service.dependencies import KEYED, Admin, Key, Ledger, UserToken
from rewards_service.routers.answers import respond
from rewards_service.schemas.ledger import AdjustmentIn, ReversalIn, TransactionOut, VerifyOut
from rewards_service.services.idempotency import Call
from servicekit.conditional import conditional_json
from servicekit.pagination import CursorParam, Limit, add_next_link
from servicekit.schemas import Page

router = APIRouter(prefix="/api/v1/points")


@router.post("/adjustments", status_code=201, response_model=TransactionOut, openapi_extra=KEYED)
async def adjust_points(
    body: AdjustmentIn, request: Request, admin: Admin, token: UserToken, key: Key, ledger: Ledger
) -> Response:
    """Give somebody points by hand, or take some away, but not more than they have."""
    content = body.model_dump_json().encode()
    call = Call.of(admin.user_id, "adjust_points", key, path=request.scope["path"], content=content)
    return respond(await ledger.adjust(call, token, body))


@router.get("/transactions")
async def list_transactions(
    request: Request,
    response: Response,
    _admin: Admin,
    ledger: Ledger,
    user_id: Annotated[UUID | None, Query(description="Only those with an entry of this person")] = None,
    limit: Limit = 50,
    cursor: CursorParam = None,
) -> Page[TransactionOut]:
    """The ledger, newest first."""
    page = await ledger.list(user_id, cursor, limit)
    add_next_link(request, response, page.next_cursor)
    return page


@router.get("/transactions/{transaction_id}", response_model=TransactionOut)
async def get_transaction(transaction_id: UUID, request: Request, _admin: Admin, ledger: Ledger) -> Response:
    """A transaction with its entries, and whether it was reversed."""
    return conditional_json(request, await ledger.get(transaction_id))


@router.post(
    "/transactions/{transaction_id}/reverse",
    status_code=201,
    response_model=TransactionOut,
    openapi_extra=KEYED,
    responses={409: {"description": "Reversed already, or a reversal itself"}},
)
async def reverse_transaction(
    transaction_id: UUID, body: ReversalIn, request: Request, admin: Admin, key: Key, ledger: Ledger
) -> Response:
    """Undo a transaction wholly, by another one. The task that it paid for becomes `reversed`.

    The balance may fall below 0: what is earned next repays it.
    """
    content = body.model_dump_json().encode()
    call = Call.of(admin.user_id, "reverse_transaction", key, path=request.scope["path"], content=content)
    return respond(await ledger.reverse(call, transaction_id, body.reason))


@router.get("/verify")
async def verify_ledger(_admin: Admin, ledger: Ledger) -> VerifyOut:
    """Add the whole ledger up, walk the chain of its seals, and compare. Anything but `ok: true` is a defect."""
    return await ledger.verify()
