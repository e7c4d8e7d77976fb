"""What every request meets first, as plain ASGI: check, match, count, then relay it or answer it ourselves."""

from collections.abc import Mapping
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.hygiene import RawHeaders, read_header
from gateway.rate_limits import RateLimits
from gateway.relay import ClientGone, Relay
from gateway.routes import RouteTable
from gateway.settings import Settings
from gateway.target import find_route
from gateway.upstream import Upstream
from servicekit.logs import get_logger
from servicekit.middleware import API_HEADERS, request_id_of, send_problem
from servicekit.problems import DomainError, InternalError, NotFound

HSTS: Final = (b"strict-transport-security", b"max-age=31536000")
UNCOUNTED: Final = frozenset({"/healthz"})  # whoever asks whether we live gets an answer

log = get_logger(__name__)


class Door:
    """The ASGI application that the world sees. ``own`` answers what is not relayed."""

    def __init__(
        self,
        own: ASGIApp,
        table: RouteTable,
        upstreams: Mapping[str, Upstream],
        limits: RateLimits | None,
        settings: Settings,
    ) -> None:
        self._own = own
        self._table = table
        self._upstreams = upstreams
        self._limits = limits
        self._settings = settings
        self._always: RawHeaders = [HSTS] if settings.hsts else []

    def close(self) -> None:
        """Cut all connections to the services."""
        for upstream in self._upstreams.values():
            upstream.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI. What is relayed is logged once, by the service, under the same request id; what is refused, here."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
            return
        if scope["type"] == "lifespan":
            await self._own(scope, receive, send)
            self.close()
            return
        answer = _Answer(send, self._always)
        try:
            await self._serve(scope, receive, answer)
        except ClientGone:
            log.debug("client.gone", path=scope["path"])
        except DomainError as error:
            await self._refuse(scope, answer, error)
        except Exception:
            log.exception("request.failed", path=scope["path"], request_id=request_id_of(scope))
            await self._refuse(scope, answer, InternalError())

    async def _serve(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        inbound = read_header(scope, https=self._settings.hsts)
        scope["request_id"] = inbound.request_id
        route = find_route(self._table, scope["raw_path"], scope["query_string"])
        if self._limits is not None and scope["path"] not in UNCOUNTED:
            address = scope["client"][0] if scope["client"] else ""
            strict = route is not None and route.strict
            answer.ours += self._limits.take(address, inbound.authorization, strict=strict)
        if route is None:
            raise NotFound
        if route.upstream is None:
            await self._own(scope, receive, answer)
        else:
            relay = Relay(self._upstreams[route.upstream], inbound, self._settings)
            await relay.run(scope, receive, answer, max_body=route.max_body)

    async def _refuse(self, scope: Scope, answer: "_Answer", error: DomainError) -> None:
        request_id = request_id_of(scope)
        level = log.warning if error.status >= 500 else log.info
        level(
            "request.refused", problem_code=error.code, status_code=error.status, method=scope["method"],
            path=scope["path"], request_id=request_id, answer_cut=answer.started,
        )  # fmt: skip
        if answer.started:
            return  # the server cuts the connection: only that tells the client that the answer is not whole
        error.headers.update(API_HEADERS | {"X-Request-ID": request_id})
        await send_problem(scope, answer, error)


class _Answer:
    """``send``, which adds our fields to the header of every answer and knows whether that has begun."""

    def __init__(self, send: Send, ours: RawHeaders) -> None:
        self._send = send
        self.ours = list(ours)
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            message["headers"] = [*message.get("headers", ()), *self.ours]
        await self._send(message)
