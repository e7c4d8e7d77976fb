"""The frame of a service: what is the same for every FastAPI application here."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
from fastapi import APIRouter, FastAPI

from servicekit import handlers, health, metrics, problems
from servicekit.db import Database
from servicekit.logs import get_logger
from servicekit.middleware import JSON_BODY_LIMIT, QUIET_PATHS, CleanInput, RequestContext
from servicekit.revocations import Revocations, following, http_feed
from servicekit.schema_head import require_head
from servicekit.settings import ApiSettings
from servicekit.tokens import JwksKeys, KeySource, TokenVerifier
from servicekit.traces import carry_on

log = get_logger(__name__)
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_service_app(
    *,
    package: str,
    title: str,
    description: str,
    lifespan: Lifespan,
    routers: Sequence[APIRouter],
    max_body_size: int = JSON_BODY_LIMIT,
    streamed: Mapping[str, int] | None = None,
) -> FastAPI:
    """A FastAPI application with problem details, request ids, strict input, health and a tidy OpenAPI document.

    ``lifespan`` puts what the service needs on ``app.state``: at least ``verifier``, and ``checks`` for readiness.
    ``streamed``: paths that take a file as their body, whatever its type, and its limit in bytes: it is not looked at.
    Operation ids are ``<service>_<function name>``, the service being ``package`` without ``_service``.
    """
    service = package.removesuffix("_service").removesuffix("_worker")
    app = FastAPI(
        title=title,
        description=description,
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: f"{service}_{route.name}",
        redirect_slashes=False,
        telemetry={"logs": False, "metrics": False, "exclude": lambda scope: scope["path"] in QUIET_PATHS},
    )
    app.state.checks = {}
    app.state.metrics = metrics.Metrics()
    app.state.on_stop = []  # called before the server waits for the answers under way: endless ones must end
    handlers.install(app)
    app.add_middleware(CleanInput, max_body_size=max_body_size, streamed=streamed)
    app.add_middleware(RequestContext)
    for router in routers:
        app.include_router(router, tags=[service])
    app.include_router(health.router)
    app.include_router(metrics.router)
    _describe_problems(app, package)
    return app


@asynccontextmanager
async def serving(
    app: FastAPI, settings: ApiSettings, *, package_file: str, keys: KeySource | None = None
) -> AsyncIterator[AsyncExitStack]:
    """What every service with a database opens, in this order, and closes in the reverse one.

    The database first, as nothing works without it, and the schema is looked at before the first request; then the HTTP
    client, which only reads keys and siblings. Yields a stack on which the service puts what it opens itself.

    Sets ``app.state.database``, ``.http``, ``.revocations``, ``.verifier`` and the readiness check ``database``.
    """
    async with AsyncExitStack() as stack:
        database = Database(settings, application_name=app.title)
        stack.push_async_callback(database.close)
        async with database.engine.connect() as connection:
            await require_head(connection, package_file)
        client = await stack.enter_async_context(new_http_client())
        app.state.database = database
        app.state.http = client
        app.state.revocations = revocations = Revocations()
        if settings.revocations_url is not None:
            await stack.enter_async_context(following(revocations, http_feed(client, settings.revocations_url)))
        elif keys is None:
            log.warning("revocations.off", detail="REVOCATIONS_URL is not set: tokens outlive a logout by minutes")
        if keys is None:
            keys = JwksKeys(_required(settings.jwks_url), client)
            await stack.enter_async_context(keys.asking())
        app.state.verifier = TokenVerifier(keys, settings, revocations)
        app.state.checks = {"database": database.ping}
        yield stack


def _required(jwks_url: str | None) -> str:
    if jwks_url is None:
        raise ValueError("JWKS_URL is not set: without the keys of auth no token can be checked")
    return jwks_url


def new_http_client() -> httpx.AsyncClient:
    """One client for each process, for calls to siblings: short timeouts, no redirects, no proxies."""
    return httpx.AsyncClient(
        timeout=httpx.Timeout(5.0, connect=2.0),
        limits=httpx.Limits(max_connections=50, max_keepalive_connections=20),
        follow_redirects=False,
        trust_env=False,
        event_hooks={"request": [carry_on]},
    )


def _describe_problems(app: FastAPI, package: str) -> None:
    """Let the OpenAPI document say that failures are RFC 9457 problems, instead of FastAPI's own 422 form."""
    original = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = original()
            for path in document["paths"].values():
                for operation in path.values():
                    operation["responses"].pop("422", None)
                    operation["responses"]["default"] = {"$ref": "#/components/responses/Problem"}
            components = document.setdefault("components", {})
            schemas = components.setdefault("schemas", {})
            schemas.pop("HTTPValidationError", None)
            schemas.pop("ValidationError", None)
            problem = problems.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(problem.pop("$defs"))
            schemas["Problem"] = problem
            content = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
            components["responses"] = {"Problem": {"description": "What went wrong (RFC 9457)", "content": content}}
            document["x-problems"] = problems.describe(package)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the document
