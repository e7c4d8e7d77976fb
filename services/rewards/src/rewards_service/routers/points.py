"""Points: what one has, where it came from, and whether the books are right."""

from fastapi import APIRouter, Request, Response

from rewards_service.dependencies import Admin, PointsReader, UserToken
from rewards_service.schemas import EntryOut, PointsOut, SummaryOut, VerifyOut
from servicekit.pagination import CursorParam, Limit, add_next_link
from servicekit.permissions import SignedIn
from servicekit.schemas import Page

router = APIRouter(prefix="/api/v1")


@router.get("/points")
async def get_points(principal: SignedIn, points: PointsReader) -> PointsOut:
    """Your balance, what waits for a decision, and all that you ever earned."""
    return await points.points(principal.user_id)


@router.get("/points/entries")
async def list_entries(
    request: Request,
    response: Response,
    principal: SignedIn,
    points: PointsReader,
    limit: Limit = 50,
    cursor: CursorParam = None,
) -> Page[EntryOut]:
    """Your statement, newest first, each line with the balance after it."""
    page = await points.statement(principal.user_id, cursor, limit)
    add_next_link(request, response, page.next_cursor)
    return page


@router.get("/points/verify")
async def verify_ledger(_admin: Admin, points: PointsReader) -> VerifyOut:
    """Add the whole ledger up and compare. Anything but `ok: true` is a defect."""
    return await points.verify()


@router.get("/me/summary")
async def get_summary(principal: SignedIn, token: UserToken, points: PointsReader) -> SummaryOut:
    """Your name, points and tasks in one call."""
    return await points.summary(principal.user_id, token)
