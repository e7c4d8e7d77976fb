"""Securities: search, one of them, and checking what somebody wrote down."""

import re
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web.api import ApiProblem
from web.api.isins import Verdict
from web.forms import CheckedForm, Form
from web.problem_words import Trouble, trouble_of
from web.texts import text
from web.together import together
from web.visits import SignedInVisit, Visit

SHAPE = re.compile(r"[A-Z]{2}[A-Z0-9]{9}[0-9]")  # what is taken for an ISIN; the API decides whether it is one
LONGEST = 12
PASTED_AT_MOST = 20_000  # characters: a form has 64 KiB, and each may need three bytes on its way
SHOWN_AT_MOST = 500
router = APIRouter()


@router.get("/isins")
async def isins(
    visit: SignedInVisit,
    q: str = "",
    country: str = "",
    feed: str = "",
    type: str = "",  # noqa: A002 - the name in the address
    status: str = "",
    cursor: str = "",
) -> Response:
    """Search by the beginning of an ISIN or of words of a name. A whole ISIN leads to its own page."""
    asked = squeezed(q)
    if SHAPE.fullmatch(asked):
        return visit.redirect(f"/isins/{asked}")
    filters = {"q": q.strip(), "country": squeezed(country), "feed": feed, "type": type.strip(), "status": status}
    feeds = await visit.api.feeds.all()
    shown: dict[str, Any] = {"found": [], "next_cursor": None, "trouble": None}
    code = 200
    try:
        listed = await visit.api.isins.search({**filters, "cursor": cursor, "limit": 25})
        shown |= {"found": listed.items, "next_cursor": listed.next_cursor}
    except ApiProblem as problem:
        if problem.status != 422:
            raise
        shown["trouble"], code = trouble_of(problem, set(filters)), 422
    return visit.page("isins.html", status=code, filters=filters, cursor=cursor, feeds=feeds, **shown)


@router.get("/isins/check")
async def check_form(visit: SignedInVisit) -> Response:
    """A field for a text, as people have it: a mail, a table, a list."""
    return visit.page("isin_check.html", form=Form(), trouble=None, lines=None, found=None)


@router.post("/isins/check")
async def check(visit: SignedInVisit, form: CheckedForm) -> Response:
    """What is in the text: each line if it is a list, else everything that has the shape of an ISIN."""
    pasted = form.get("text", "")
    words = [line.strip() for line in pasted.splitlines() if line.strip()]
    trouble = _trouble_with(pasted, words)
    if trouble is not None:
        return visit.page("isin_check.html", status=422, form=form, trouble=trouble, lines=None, found=None)
    is_list = all(len(word) <= LONGEST + 8 and " " not in word for word in words)
    verdicts, found = await together(_verdicts(visit, words if is_list else []), visit.api.isins.extract(pasted))
    return visit.page("isin_check.html", form=form, trouble=None, lines=verdicts, found=found, limit=SHOWN_AT_MOST)


@router.get("/isins/{isin}")
async def one(visit: SignedInVisit, isin: str) -> Response:
    """One security: what is known, which lists say so, and since when."""
    asked = squeezed(isin)
    trouble = Trouble(text("isins.not_one"))
    if len(asked) != LONGEST or not (asked.isascii() and asked.isalnum()):  # it becomes part of a path
        return visit.page("isin.html", status=422, asked=isin, found=None, trouble=trouble, feeds={}, verdict=None)
    try:
        found, feeds = await together(visit.api.isins.one(asked), visit.api.feeds.all())
    except ApiProblem as problem:
        if problem.status not in {404, 422}:
            raise
        verdicts = await _verdicts(visit, [asked]) if problem.status == 422 else []
        trouble = trouble if problem.status == 422 else Trouble(text("isins.unknown"))
        return visit.page(
            "isin.html", status=problem.status, asked=asked, found=None, trouble=trouble, feeds={},
            verdict=verdicts[0] if verdicts else None,
        )  # fmt: skip
    by_name = {feed.name: feed for feed in feeds}
    return visit.page("isin.html", asked=asked, found=found, trouble=None, feeds=by_name, verdict=None)


def squeezed(typed: str) -> str:
    """Without the blanks that people put between groups, in upper case."""
    return "".join(typed.split()).upper()


def _trouble_with(pasted: str, words: list[str]) -> Trouble | None:
    if not words:
        return Trouble(text("isins.check.title"), {"text": text("isins.check.empty")})
    if len(pasted) > PASTED_AT_MOST:
        return Trouble(text("isins.check.title"), {"text": text("isins.check.too_long")})
    return None


async def _verdicts(visit: Visit, words: list[str]) -> list[Verdict]:
    return await visit.api.isins.validate([word.upper() for word in words]) if words else []
