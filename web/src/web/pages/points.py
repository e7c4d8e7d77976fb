"""Balance and statement."""

import asyncio

from fastapi import APIRouter
from starlette.responses import Response

from web.visits import SignedInVisit

router = APIRouter()


@router.get("/points")
async def points(visit: SignedInVisit, cursor: str = "") -> Response:
    """One's own points and where they come from."""
    balance, listed = await asyncio.gather(
        visit.api.points.balance(), visit.api.points.entries({"cursor": cursor, "limit": 50})
    )
    return visit.page(
        "points.html", balance=balance, entries=listed.items, next_cursor=listed.next_cursor, cursor=cursor
    )
