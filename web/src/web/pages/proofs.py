"""Screenshots: an <img> can't carry a token, so the pages fetch the picture in the visitor's name and pass it on."""

from enum import StrEnum
from uuid import UUID

from fastapi import APIRouter
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from web.visits import SignedInVisit

KINDS = frozenset({"image/png", "image/jpeg", "image/webp"})
PASSED_ON = ("etag", "content-length")
ALONE = {
    "Content-Security-Policy": "sandbox; default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "private, no-cache",
}
router = APIRouter()


class Size(StrEnum):
    """How large."""

    IMAGE = "image"
    THUMBNAIL = "thumbnail"


@router.get("/proofs/{proof_id}/{size}")
async def picture(visit: SignedInVisit, proof_id: UUID, size: Size) -> Response:
    """The picture, as the API streams it."""
    answer = await visit.api.tasks.picture(proof_id, size, visit.request.headers.get("if-none-match"))
    headers = {**{name: answer.headers[name] for name in PASSED_ON if name in answer.headers}, **ALONE}
    kind = answer.headers.get("content-type", "")
    if answer.status_code == 304 or kind not in KINDS:
        await answer.aclose()
        if answer.status_code == 304:
            return Response(status_code=304, headers={n: v for n, v in headers.items() if n != "content-length"})
        raise HTTPException(404)
    # Raw bytes, as the length passed on is theirs; the API never compresses pictures.
    return StreamingResponse(
        answer.aiter_raw(), media_type=kind, headers=headers, background=BackgroundTask(answer.aclose)
    )
