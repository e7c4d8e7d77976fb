"""The first page."""

from fastapi import APIRouter
from starlette.responses import Response

from web.visits import AnyVisit

router = APIRouter()


@router.get("/")
async def welcome(visit: AnyVisit) -> Response:
    """What this is; who is signed in goes straight to the apps."""
    if visit.session is not None:
        return visit.redirect("/apps")
    return visit.page("welcome.html")
