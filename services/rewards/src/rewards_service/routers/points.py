"""Points: what one has, and where it came from."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from rewards_service.dependencies import PointsReader, UserToken
from rewards_service.schemas.points import EntryOut, MonthsOut, PointsOut, SummaryOut
from servicekit.pagination import CursorParam, Limit, add_next_link
from servicekit.permissions import SignedIn
from servicekit.schemas import Page

router = APIRouter(prefix="/api/v1")


@router.get("/points")
async def get_points(principal: SignedIn, points: PointsReader) -> PointsOut:
    """Your balance, what waits for a decision, and all that you ever earned."""
    return await points.points(principal.user_id)


@router.get(
    "/points/entries",
    response_model=Page[EntryOut],
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def list_entries(
    request: Request,
    response: Response,
    principal: SignedIn,
    points: PointsReader,
    form: Annotated[
        Literal["json", "csv"], Query(alias="format", description="`csv`: all of it, in one file")
    ] = "json",
    limit: Limit = 50,
    cursor: CursorParam = None,
) -> Page[EntryOut] | StreamingResponse:
    """Your statement, newest first, each line with the balance after it."""
    if form == "csv":
        headers = {"Content-Disposition": 'attachment; filename="points.csv"', "Cache-Control": "private, no-store"}
        return StreamingResponse(points.statement_csv(principal.user_id), media_type="text/csv", headers=headers)
    page = await points.statement(principal.user_id, cursor, limit)
    add_next_link(request, response, page.next_cursor)
    return page


@router.get("/points/months")
async def list_months(principal: SignedIn, points: PointsReader) -> MonthsOut:
    """What came and what went in each of your last twelve months."""
    return await points.months(principal.user_id)


@router.get("/me/summary")
async def get_summary(principal: SignedIn, token: UserToken, points: PointsReader) -> SummaryOut:
    """Your name, points and tasks in one call."""
    return await points.summary(principal.user_id, token)
