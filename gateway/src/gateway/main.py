"""Where the gateway is put together."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from fastapi import FastAPI
from prometheus_client import start_http_server
from redis.asyncio import Redis

from gateway import health, pages
from gateway.access_log import AccessLog
from gateway.contract import Contract
from gateway.door import Door
from gateway.metrics import Metrics
from gateway.rate_limits import RateLimits
from gateway.routes import InvalidTable, RouteTable, load_table
from gateway.settings import Settings
from gateway.shared_limits import SharedLimits
from gateway.spans import Spans
from gateway.upstream import Upstream
from servicekit import handlers
from servicekit.app import new_http_client
from servicekit.logs import get_logger
from servicekit.middleware import RequestContext
from servicekit.revocations import Revocations, following, http_feed
from servicekit.tokens import JwksKeys, KeySource, TokenVerifier

REDIS_SECONDS = 1.0
log = get_logger(__name__)


@dataclass(frozen=True)
class Gateway:
    """``app`` answers what is the gateway's own and opens and closes everything; ``door`` makes the connections."""

    app: FastAPI
    door: Door
    limits: RateLimits | None
    metrics: Metrics
    settings: Settings

    def reload(self) -> None:
        """Read the file of routes again. One that is not good changes nothing."""
        try:
            table = load_table(self.settings.routes_file)
        except InvalidTable as error:
            log.error("routes.kept", detail=str(error))  # noqa: TRY400 - the text says it all
            return
        self.door.table = self.app.state.contract.table = table
        if self.limits is not None:
            self.limits.use(table.policies)
        log.info("routes.loaded", count=len(table.routes))


def create_gateway(
    settings: Settings,
    *,
    clock: Callable[[], float] = time.monotonic,
    keys: KeySource | None = None,
    revocations: Revocations | None = None,
    log_stream: BinaryIO | None = None,
) -> Gateway:
    """The gateway. With ``keys`` auth is asked neither for keys nor for ended sessions.

    Raises:
        InvalidTable: the file of routes is not good.
    """
    table = load_table(settings.routes_file)
    upstreams = {name: Upstream(name, urls, settings) for name, urls in settings.upstreams.items()}
    limits = RateLimits(table.policies, clock) if settings.rate_limits else None
    client = new_http_client()
    revoked = revocations or Revocations()
    published = JwksKeys(settings.jwks_url or "", client)
    verifier = TokenVerifier(keys or published, settings, revoked)
    metrics = Metrics(upstreams)
    text = settings.log_format == "console"
    access = AccessLog(log_stream or sys.stdout.buffer, share=settings.access_log, text=text)
    spans = Spans(settings.traces_url, settings.traces_share) if settings.traces_url else None
    door = Door(settings, table, upstreams, limits, verifier, metrics, access, spans)
    metrics.door = door

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        """Ended sessions are known before the first request; the connections to the services are cut at the end."""
        async with AsyncExitStack() as stack:
            stack.callback(access.flush)
            stack.callback(door.close)
            if spans is not None:
                stack.callback(spans.close)
            await stack.enter_async_context(client)
            if keys is None:
                await stack.enter_async_context(following(revoked, http_feed(client, settings.revocations_url or "")))
                await stack.enter_async_context(published.asking())
            if limits is not None and settings.redis_url is not None:
                redis = _redis(settings.redis_url.get_secret_value())
                stack.push_async_callback(redis.aclose)
                await stack.enter_async_context(_running(SharedLimits(limits, redis).run()))
            if settings.metrics_port is not None:
                server, thread = start_http_server(settings.metrics_port, settings.metrics_host, metrics.registry())
                stack.callback(thread.join)
                stack.callback(server.server_close)
                stack.callback(server.shutdown)
            await stack.enter_async_context(_running(door.watch()))
            yield

    app = own_app(table, upstreams, clock, lifespan)
    app.state.door = door
    app.state.access_log = access
    return Gateway(app, door, limits, metrics, settings)


def _redis(url: str) -> Redis:
    redis: Redis = Redis.from_url(url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS)
    return redis


@asynccontextmanager
async def _running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """``work`` goes on beside the rest until the end."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def own_app(
    table: RouteTable,
    upstreams: dict[str, Upstream],
    clock: Callable[[], float] = time.monotonic,
    lifespan: Callable[[FastAPI], Any] | None = None,
) -> FastAPI:
    """What the gateway answers itself: health, the merged contract, its pages."""
    app = FastAPI(
        title="gateway",
        description="The door: health, and what errors mean",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        responses={"default": {"description": "What went wrong (RFC 9457)"}},  # instead of FastAPI's own 422
        generate_unique_id_function=lambda route: f"gateway_{route.name}",
    )
    services = {name: upstream for name, upstream in upstreams.items() if name != "web"}
    app.state.upstreams = upstreams
    app.state.contract = Contract(services, table, app.openapi, clock)
    handlers.install(app)
    app.add_middleware(RequestContext)
    app.include_router(health.router)
    app.include_router(pages.router)
    return app
