"""Where the gateway is put together."""

import time
from collections.abc import Callable

from fastapi import FastAPI

from gateway import health, pages
from gateway.contract import Contract
from gateway.door import Door
from gateway.rate_limits import RateLimits
from gateway.routes import RouteTable
from gateway.settings import Settings
from gateway.upstream import Upstream
from servicekit import handlers
from servicekit.middleware import RequestContext


def create_app(settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> Door:
    """The door, and behind it the small application for what the gateway answers itself."""
    table = RouteTable()
    upstreams = {name: Upstream(name, url, settings) for name, url in settings.upstreams.items()}
    limits = RateLimits(clock) if settings.rate_limits else None
    return Door(own_app(table, upstreams, clock), table, upstreams, limits, settings)


def own_app(table: RouteTable, upstreams: dict[str, Upstream], clock: Callable[[], float] = time.monotonic) -> FastAPI:
    """What the gateway answers itself: health, the merged contract, its pages."""
    app = FastAPI(
        title="gateway",
        description="The door: health, and what errors mean",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
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
