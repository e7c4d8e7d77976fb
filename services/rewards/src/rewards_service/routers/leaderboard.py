"""The leaderboard, and whether one is on it."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from rewards_service.dependencies import Leaderboard, UserToken
from rewards_service.schemas.points import LeaderOut, PreferencesIn, PreferencesOut
from rewards_service.services.leaderboard import Period
from servicekit.pagination import CursorParam, Limit, add_next_link
from servicekit.permissions import SignedIn
from servicekit.schemas import Page

router = APIRouter(prefix="/api/v1")


@router.get("/leaderboard")
async def list_leaders(
    request: Request,
    response: Response,
    principal: SignedIn,
    leaderboard: Leaderboard,
    period: Annotated[Period, Query(description="`month`: since the first of this month, UTC")] = "all",
    limit: Limit = 50,
    cursor: CursorParam = None,
) -> Page[LeaderOut]:
    """Who earned most, among those who chose to be seen."""
    page = await leaderboard.leaders(principal.user_id, period, cursor, limit)
    add_next_link(request, response, page.next_cursor)
    return page


@router.get("/me/preferences")
async def get_preferences(principal: SignedIn, leaderboard: Leaderboard) -> PreferencesOut:
    """What you chose. Until you choose, nobody sees you."""
    return await leaderboard.preferences(principal.user_id)


@router.patch("/me/preferences")
async def change_preferences(
    body: PreferencesIn, principal: SignedIn, token: UserToken, leaderboard: Leaderboard
) -> PreferencesOut:
    """Be on the leaderboard under the name of your account, or be there no more."""
    return await leaderboard.choose(principal.user_id, token, shown=body.leaderboard)
