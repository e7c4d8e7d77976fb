"""The composition root: settings in, application out."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
from fastapi import FastAPI, Request
from redis.asyncio import Redis
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope, Send

from servicekit import health, problems
from servicekit.middleware import RequestContext
from servicekit.traces import carry_on
from web import failures
from web.csrf import Csrf
from web.held_decisions import HeldDecisions
from web.pages import ROUTERS
from web.renewal import Renewals
from web.sealing import Seal
from web.sessions import Sessions
from web.settings import Settings
from web.site import Site, site_of
from web.static_files import StaticFiles
from web.views import Views

PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # not no-referrer, which would make the Origin of our own forms "null"
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def create_app(settings: Settings, *, api_transport: httpx.AsyncBaseTransport | None = None) -> FastAPI:
    """The pages. ``api_transport`` lets tests put a fake of the API behind them."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            site = await _open_site(settings, api_transport, stack)
            app.state.site = site
            await stack.enter_async_context(site.held.sending())
            app.state.checks = {"sessions": site.sessions.ping, "api": lambda: _reach(site.http)}
            yield

    app = FastAPI(title="Appraise pages", lifespan=lifespan, openapi_url=None, redirect_slashes=False)
    failures.install(app)
    app.add_middleware(RequestContext, headers=PAGE_HEADERS, send_crash=_send_crash)
    app.include_router(health.router)
    app.add_api_route("/static/{name}", _static, include_in_schema=False)
    for router in ROUTERS:
        app.include_router(router)
    return app


async def _open_site(settings: Settings, transport: httpx.AsyncBaseTransport | None, stack: AsyncExitStack) -> Site:
    """Neither Valkey nor the API has to be there for the start: until they are, pages answer 503."""
    redis = Redis.from_url(
        settings.redis_url.get_secret_value(), socket_timeout=2.0, socket_connect_timeout=2.0, health_check_interval=30
    )
    stack.push_async_callback(redis.aclose)
    http = await stack.enter_async_context(
        httpx.AsyncClient(
            base_url=settings.api_url,
            transport=transport
            or httpx.AsyncHTTPTransport(
                local_address=settings.api_from or None,
                # Each page that shows a task holds one for its events.
                limits=httpx.Limits(max_connections=1000, max_keepalive_connections=20),
                trust_env=False,
            ),
            timeout=httpx.Timeout(15.0, connect=3.0),
            trust_env=False,
            event_hooks={"request": [carry_on]},
        )
    )
    secret = settings.session_secret.get_secret_value()
    sessions = Sessions(redis, secret, idle_seconds=settings.session_idle_seconds)
    renewals = Renewals(sessions, http)
    seal = Seal(secret, "web held decision")
    static = StaticFiles(Path(__file__).parent / "static")
    return Site(
        settings=settings,
        http=http,
        sessions=sessions,
        renewals=renewals,
        held=HeldDecisions(redis, sessions, renewals, http, seal, settings.undo_seconds),
        csrf=Csrf(secret, settings.public_url),
        static=static,
        views=Views(static),
    )


async def _reach(http: httpx.AsyncClient) -> None:
    (await http.get("/healthz")).raise_for_status()


async def _static(name: str, request: Request) -> Response:
    answer = site_of(request).static.answer(name)
    if answer is None:
        raise HTTPException(404)
    return answer


async def _send_crash(scope: Scope, send: Send, error: problems.DomainError) -> None:
    request = Request(scope)
    response = await failures.failure_page(request, error.status)
    await response(scope, request.receive, send)
