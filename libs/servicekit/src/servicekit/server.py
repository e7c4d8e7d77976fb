"""uvicorn, which stops so that nobody meets a closed door; some answers have no end, so the application is told."""

import asyncio
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress

import uvicorn

STEP_SECONDS = 0.05


class Server(uvicorn.Server):
    """Still serves for ``drain_seconds`` after it was asked to stop; then calls ``on_stop``: some answers have no end.

    While it drains each answer ends its connection. So whoever keeps connections, as the gateway does, has none to this
    process any more when it closes: a request never meets a connection that is just being closed.
    """

    def __init__(
        self, config: uvicorn.Config, on_stop: Iterable[Callable[[], None]], *, drain_seconds: float = 0.0
    ) -> None:
        super().__init__(config)
        self._on_stop = on_stop
        self._drain_seconds = drain_seconds

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        await self._drain()
        for stop in self._on_stop:
            stop()
        await super().shutdown(sockets)

    async def _drain(self) -> None:
        self.server_state.default_headers.append((b"connection", b"close"))
        loop = asyncio.get_running_loop()
        until = loop.time() + self._drain_seconds
        while loop.time() < until and not self.force_exit:  # noqa: ASYNC110 - as uvicorn itself waits
            await asyncio.sleep(STEP_SECONDS)


def run(config: uvicorn.Config, *, drain_seconds: float = 0.0) -> None:
    """Serve until SIGINT or SIGTERM. Raises SystemExit when the application does not start."""
    state = getattr(config.app, "state", None)
    server = Server(config, getattr(state, "on_stop", ()), drain_seconds=drain_seconds)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        raise SystemExit(3)  # as `uvicorn.run` ends then
