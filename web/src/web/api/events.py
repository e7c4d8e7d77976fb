"""A person's events as they happen."""

from dataclasses import dataclass

import httpx

from web.api.calls import Calls

# The API says "still here" every 15 s.
PATIENCE = httpx.Timeout(15.0, connect=3.0, read=45.0)


@dataclass(frozen=True)
class Events:
    """The stream of server-sent events."""

    calls: Calls

    async def stream(self, last_event_id: str | None) -> httpx.Response:
        """The stream, which the caller closes, from the event after ``last_event_id`` on."""
        headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
        return await self.calls.send("GET", "/events", headers=headers, stream=True, patience=PATIENCE)
