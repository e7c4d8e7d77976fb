"""The stream of one's events."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from typing import Annotated, Any

from fastapi import APIRouter, Header, Response
from starlette.types import Receive, Scope, Send

from rewards_service.dependencies import Events
from servicekit.logs import get_logger
from servicekit.permissions import SignedIn
from servicekit.schemas import MAX_INT64

MEDIA_TYPE = "text/event-stream"
SLOW_SECONDS = 10.0  # how long a client may take nothing

router = APIRouter(prefix="/api/v1")
log = get_logger(__name__)

_EXAMPLE = """retry: 3000
id: 40

id: 41
event: task.updated
data: {"id":"0199d1a2-7b60-7f3e-9c7d-2f0f1a6b5c03","status":"approved","points":250,...}

id: 42
event: points.updated
data: {"balance":750,"pending":0,"lifetime_earned":750}

: still here

"""
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The stream", "content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": _EXAMPLE}}},
    429: {"description": "You have five streams open"},
}


class EventStream(Response):
    """Sends frames as they come, until there are no more, or the client leaves or takes nothing."""

    media_type = MEDIA_TYPE

    def __init__(self, frames: AbstractContextManager[AsyncIterator[bytes]]) -> None:
        super().__init__(headers={"X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._frames = frames

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI. What the frames raise before the first of them is an answer like any other."""
        with self._frames as frames:
            first = await anext(frames)
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            if scope.get("bodiless"):
                await send({"type": "http.response.body", "body": b""})
                return
            pumping = asyncio.create_task(_pump(first, frames, send))
            leaving = asyncio.create_task(_gone(receive))
            try:
                await asyncio.wait({pumping, leaving}, return_when=asyncio.FIRST_COMPLETED)
                if pumping.done():
                    await pumping
            finally:
                pumping.cancel()
                leaving.cancel()
                await asyncio.gather(pumping, leaving, return_exceptions=True)


async def _pump(first: bytes, frames: AsyncIterator[bytes], send: Send) -> None:
    async def pass_on(body: bytes, *, more_body: bool = True) -> None:
        async with asyncio.timeout(SLOW_SECONDS):
            await send({"type": "http.response.body", "body": body, "more_body": more_body})

    try:
        await pass_on(first)
        async for frame in frames:
            await pass_on(frame)
        await pass_on(b"", more_body=False)
    except TimeoutError:
        log.info("events.slow_reader")  # the stream has no end then, so that the server cuts the connection


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@router.get("/events", response_class=Response, responses=_RESPONSES)
async def stream_events(
    principal: SignedIn,
    events: Events,
    last_event_id: Annotated[
        int | None, Header(ge=0, le=MAX_INT64, description="The `id` of the last event that you got")
    ] = None,
) -> Response:
    """Your events as they happen (server-sent events): `task.updated` with the task, `points.updated` with the points.

    The stream ends with your token; come again with a new one and the last `id`, and you miss none. Events are kept for
    seven days: `reset` says that some may be lost, so read everything anew.
    """
    return EventStream(events.stream(principal, last_event_id))
