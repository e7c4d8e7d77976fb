"""ISINs: look up, list, validate, extract."""

from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Query, Request, Response

from isin_worker.dependencies import ChangeServiceDep, CursorsDep, IsinServiceDep, instruments_of
from isin_worker.repositories.listings import Filters
from isin_worker.schemas import ChangesPage, FoundListOut, InstrumentOut, InstrumentPage, ValidateIn, VerdictsOut
from isin_worker.services.isins import judge
from servicekit.conditional import conditional_json
from servicekit.pagination import MAX_CURSOR, CursorParam, Limit, add_next_link
from servicekit.permissions import SignedIn
from servicekit.problems import BadRequest, UnsupportedMediaType
from servicekit.schemas import Text

# Routes are looked through in this order: the one that is asked most is second, as it would take the path of the first.
router = APIRouter(prefix="/api/v1/isins")

Search = Annotated[
    Text | None,
    Query(
        max_length=100, description="The beginning of an ISIN, or of words of the name or symbol", examples=["reliance"]
    ),
]
Country = Annotated[str | None, Query(pattern="^[A-Z]{2}$", description="The prefix of the ISIN", examples=["IN"])]
FeedName = Annotated[Text | None, Query(max_length=100, description="Only ISINs that this feed has or had")]
TypeName = Annotated[Text | None, Query(max_length=100, examples=["equity"])]
StatusName = Annotated[Literal["active", "removed"] | None, Query(description="`removed`: no list has it any more")]

Since = Annotated[
    str | None,
    Query(max_length=MAX_CURSOR, description="The `since` of the last answer, or a date or time (RFC 3339)"),
]

_PLAIN_TEXT = {
    "requestBody": {
        "required": True,
        "content": {
            "text/plain": {
                "schema": {"type": "string", "maxLength": 1024 * 1024},
                "example": "Sold INE002A01018, bought US0378331005.",
            }
        },
    }
}


@router.get("/changes", response_model=ChangesPage)
async def list_changes(
    request: Request,
    response: Response,
    changes: ChangeServiceDep,
    _user: SignedIn,
    feed: FeedName = None,
    since: Since = None,
    limit: Limit = 50,
    cursor: CursorParam = None,
) -> ChangesPage:
    """What runs added, changed and removed since you last asked, in the order in which they published it."""
    page = await changes.page(since=since, cursor=cursor, feed=feed, limit=limit)
    add_next_link(request, response, page.next_cursor)
    return page


@router.get(
    "/{isin}",
    response_model=InstrumentOut,
    responses={
        404: {"description": "No list has it"},
        422: {"description": "Not an ISIN; the right check digit is named"},
    },
)
async def get_isin(isin: str, request: Request, _user: SignedIn) -> Response:
    """What the lists say of one ISIN."""
    return conditional_json(request, await instruments_of(request).get(isin))


@router.get("", response_model=InstrumentPage)
async def list_isins(
    request: Request,
    isins: IsinServiceDep,
    cursors: CursorsDep,
    _user: SignedIn,
    q: Search = None,
    country: Country = None,
    feed: FeedName = None,
    type: TypeName = None,  # noqa: A002 - the name of the query parameter
    status: StatusName = None,
    limit: Limit = 50,
    cursor: CursorParam = None,
) -> Response:
    """ISINs in their own order, those that match all filters."""
    filters = Filters(q, country, feed, type, status)
    scope = f"isins:{filters}"
    after = cursors.decode(scope, cursor)[0] if cursor else None
    items, more = await isins.search(filters, after=after, limit=limit)
    next_cursor = cursors.encode(scope, [items[-1].isin]) if more else None
    content = msgspec.json.encode({"items": items, "next_cursor": next_cursor})
    response = Response(content, media_type="application/json")
    add_next_link(request, response, next_cursor)
    return response


@router.post("/validate", response_model=VerdictsOut)
async def validate_isins(body: ValidateIn, _user: SignedIn) -> Response:
    """Check up to 10,000 texts: which are ISINs, what is wrong with the others, which check digit would be right."""
    return Response(msgspec.json.encode({"items": judge(body.isins)}), media_type="application/json")


@router.post(
    "/extract",
    openapi_extra=_PLAIN_TEXT,
    responses={413: {"description": "More than 1 MiB"}, 415: {"description": "Not text/plain"}},
)
async def extract_isins(request: Request, isins: IsinServiceDep, _user: SignedIn) -> FoundListOut:
    """Find everything in a text (`text/plain` in UTF-8, up to 1 MiB) that has the shape of an ISIN and stands alone."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "text/plain":
        raise UnsupportedMediaType("Send the text as text/plain.")
    try:
        text = (await request.body()).decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest("The text is not UTF-8.") from error
    return FoundListOut(items=await isins.extract(text))
