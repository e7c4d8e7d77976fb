"""Balance, the months, and the statement."""

from datetime import UTC, datetime

from fastapi import APIRouter
from starlette.background import BackgroundTask
from starlette.responses import Response, StreamingResponse

from web.api.points import Month
from web.charts import Chart, Row, columns
from web.texts import text
from web.together import together
from web.visits import SignedInVisit

router = APIRouter(prefix="/points")


@router.get("")
async def points(visit: SignedInVisit, cursor: str = "") -> Response:
    """One's own points and where they come from."""
    balance, months, listed = await together(
        visit.api.points.balance(),
        visit.api.points.months(),
        visit.api.points.entries({"cursor": cursor, "limit": 50}),
    )
    return visit.page(
        "points.html",
        balance=balance,
        chart=_chart(months),
        entries=listed.items,
        next_cursor=listed.next_cursor,
        cursor=cursor,
    )


@router.get("/statement.csv")
async def statement(visit: SignedInVisit) -> Response:
    """The whole statement as a file, as the API streams it."""
    answer = await visit.api.points.statement_csv()
    headers = {"Content-Disposition": 'attachment; filename="points.csv"'}
    return StreamingResponse(
        answer.aiter_raw(), media_type="text/csv", headers=headers, background=BackgroundTask(answer.aclose)
    )


def _chart(months: list[Month]) -> Chart | None:
    """Points added in each month, and those taken away below the line; None when there is nothing to see."""
    if not any(month.added or month.taken for month in months):
        return None
    rows = [Row(_short(month.month), (month.added, -month.taken)) for month in months]
    if not any(month.taken for month in months):
        return columns([text("points.added")], [Row(row.label, row.values[:1]) for row in rows])
    return columns([text("points.added"), text("points.taken")], rows)


def _short(month: str) -> str:
    return datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC).strftime("%b")
