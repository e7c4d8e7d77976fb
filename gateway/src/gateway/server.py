"""The process: from its settings to its end, and what signals mean to it."""

import asyncio
import gc
import resource
import signal
import socket
from contextlib import suppress

import uvicorn

from gateway.main import Gateway, create_gateway
from gateway.routes import InvalidTable
from gateway.settings import Settings
from servicekit import logs
from servicekit.cli import GRACE_SECONDS
from servicekit.settings import EXIT_CONFIG, load_settings

STEP_SECONDS = 0.05
# libuv accepts one connection for each listener and turn of the loop (its pull request 3696). With hundreds of busy
# connections a turn takes 10 ms, and new ones would wait for seconds: so one socket gets as many listeners.
LISTENERS = 32
log = logs.get_logger(__name__)


def serve_gateway(host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM."""
    settings = load_settings(Settings)
    logs.configure("gateway", settings)
    try:
        gateway = create_gateway(settings)
    except InvalidTable as error:
        log.error("routes.refused", detail=str(error))  # noqa: TRY400 - the text says it all
        raise SystemExit(EXIT_CONFIG) from None
    _allow_many_connections()
    gc.collect()
    gc.freeze()  # what is there from the start is never garbage; looking through it takes milliseconds
    with suppress(KeyboardInterrupt):  # uvicorn raises it again when all is done
        Server(gateway, host, port).run()


def config(gateway: Gateway, host: str, port: int) -> uvicorn.Config:
    """Uvicorn with our protocol in the place of its own."""
    return uvicorn.Config(
        gateway.app,
        host=host,
        port=port,
        http=gateway.door.protocol,  # type: ignore[arg-type]  # it is called as a class would be
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


class Server(uvicorn.Server):
    """Uvicorn's server, which reloads the routes on SIGHUP and lets clients go before it stops."""

    def __init__(self, gateway: Gateway, host: str, port: int) -> None:
        super().__init__(config(gateway, host, port))
        self._gateway = gateway

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._gateway.reload)
        await super().startup(sockets)
        self.servers += [
            await self._listen_on(own) for server in self.servers for own in server.sockets * (LISTENERS - 1)
        ]

    async def _listen_on(self, listening: socket.socket) -> asyncio.Server:
        door, state = self._gateway.door, self.lifespan.state
        return await asyncio.get_running_loop().create_server(
            lambda: door.protocol(self.config, self.server_state, state),
            sock=listening.dup(),
            backlog=self.config.backlog,
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Still take requests for a while, each answer ending its connection, so that none meets a closed door."""
        door = self._gateway.door
        door.draining = True
        loop = asyncio.get_running_loop()
        until = loop.time() + self._gateway.settings.drain_seconds
        while door.clients and loop.time() < until and not self.force_exit:  # noqa: ASYNC110 - as uvicorn waits
            await asyncio.sleep(STEP_SECONDS)
        await super().shutdown(sockets)


def _allow_many_connections() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
