"""One ISIN, and how fresh the daily lists are."""

from fastapi import APIRouter
from starlette.responses import Response

from web.api import ApiProblem
from web.api.isins import Isin
from web.problem_words import Trouble, trouble_of
from web.texts import text
from web.visits import SignedInVisit, Visit

LONGEST = 30  # with blanks as people write them; the API decides what an ISIN is
router = APIRouter()


@router.get("/isins")
async def isins(visit: SignedInVisit, isin: str = "") -> Response:
    """Look one ISIN up."""
    feeds = await visit.api.isins.feeds()
    found, trouble, status = await _look_up(visit, isin)
    return visit.page("isins.html", status=status, asked=isin, found=found, trouble=trouble, feeds=feeds)


async def _look_up(visit: Visit, asked: str) -> tuple[Isin | None, Trouble | None, int]:
    isin = "".join(asked.split()).upper()
    if not isin:
        return None, None, 200
    if len(isin) > LONGEST or not (isin.isascii() and isin.isalnum()):  # it becomes part of a path
        return None, Trouble(text("isins.not_one")), 422
    try:
        return await visit.api.isins.one(isin), None, 200
    except ApiProblem as problem:
        if problem.status == 404:
            return None, Trouble(text("isins.unknown")), 404
        if problem.status != 422:
            raise
        return None, trouble_of(problem, set()), 422
