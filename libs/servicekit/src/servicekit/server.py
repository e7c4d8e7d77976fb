"""uvicorn, which tells the application that it stops before it waits for the answers under way: some have no end."""

import socket
from collections.abc import Callable, Iterable
from contextlib import suppress

import uvicorn


class Server(uvicorn.Server):
    """Calls ``on_stop`` when it takes no more connections."""

    def __init__(self, config: uvicorn.Config, on_stop: Iterable[Callable[[], None]]) -> None:
        super().__init__(config)
        self._on_stop = on_stop

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        for stop in self._on_stop:
            stop()
        await super().shutdown(sockets)


def run(config: uvicorn.Config) -> None:
    """Serve until SIGINT or SIGTERM. Raises SystemExit when the application does not start."""
    state = getattr(config.app, "state", None)
    server = Server(config, getattr(state, "on_stop", ()))
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        raise SystemExit(3)  # as `uvicorn.run` ends then
