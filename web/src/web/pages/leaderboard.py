"""Who earned most, of those who want to be seen, and whether one is among them."""

from fastapi import APIRouter
from starlette.responses import Response

from web.forms import CheckedForm
from web.together import together
from web.visits import SignedInVisit

PERIODS = ("all", "month")
router = APIRouter(prefix="/points/leaderboard")


@router.get("")
async def leaderboard(visit: SignedInVisit, period: str = "all", cursor: str = "") -> Response:
    """The list, of all time or of this month."""
    chosen = period if period in PERIODS else "all"
    listed, preferences = await together(
        visit.api.points.leaders({"period": chosen, "cursor": cursor, "limit": 50}), visit.api.points.preferences()
    )
    return visit.page(
        "leaderboard.html",
        leaders=listed.items,
        next_cursor=listed.next_cursor,
        cursor=cursor,
        periods=PERIODS,
        chosen=chosen,
        shown=preferences.leaderboard,
    )


@router.post("")
async def choose(visit: SignedInVisit, form: CheckedForm) -> Response:
    """Be seen, or not any more."""
    if form.get("leaderboard") == "yes":
        await visit.api.points.choose(leaderboard=True)
        return visit.redirect("/points/leaderboard", notice="leaderboard-joined")
    await visit.api.points.choose(leaderboard=False)
    return visit.redirect("/points/leaderboard", notice="leaderboard-left")
