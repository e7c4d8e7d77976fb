"""One's events for the scripts of the pages: they have no token, so the stream is fetched in the visitor's name."""

from fastapi import APIRouter
from starlette.background import BackgroundTask
from starlette.responses import Response, StreamingResponse

from web.visits import SignedInVisit

MEDIA_TYPE = "text/event-stream"
router = APIRouter()


@router.get("/events")
async def events(visit: SignedInVisit) -> Response:
    """The stream, as the API gives it."""
    answer = await visit.api.events.stream(visit.request.headers.get("last-event-id"))
    headers = {"X-Accel-Buffering": "no"}
    return StreamingResponse(
        answer.aiter_raw(), media_type=MEDIA_TYPE, headers=headers, background=BackgroundTask(answer.aclose)
    )
