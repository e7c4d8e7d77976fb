"""What wraps every request of every service, as plain ASGI: request id, headers, last resort, the form of the body."""

import re
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from servicekit import problems
from servicekit.json_body import check_json
from servicekit.logs import get_logger

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")
API_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-store",
}
JSON_BODY_LIMIT = 1024 * 1024
QUIET_PATHS = frozenset({"/healthz", "/readyz", "/internal/revocations", "/internal/metrics"})
SendFailure = Callable[[Scope, Send, problems.DomainError], Awaitable[None]]

log = get_logger(__name__)


def request_id_of(scope: Scope) -> str:
    """The id of this request: the caller's when it is of the right form, else a new one."""
    known = scope.get("request_id")
    if known is None:
        sent = Headers(scope=scope).get("x-request-id", "")
        known = scope["request_id"] = sent if REQUEST_ID.fullmatch(sent) else secrets.token_hex(16)
    return str(known)


async def send_problem(scope: Scope, send: Send, error: problems.DomainError) -> None:
    """Answer with a problem document from below the router."""
    body = problems.render(error, path=scope["path"], request_id=request_id_of(scope))
    headers = {**error.headers, "content-type": problems.MEDIA_TYPE, "content-length": str(len(body))}
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": error.status, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


class RequestContext:
    """Gives each request its id, its log line and its headers, and turns a crash into a 500 that tells nothing."""

    def __init__(
        self, app: ASGIApp, headers: dict[str, str] | None = None, send_crash: SendFailure = send_problem
    ) -> None:
        self.app = app
        self.headers = API_HEADERS if headers is None else headers
        self.send_crash = send_crash

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = request_id_of(scope)
        started = time.perf_counter()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._complete(MutableHeaders(scope=message), request_id)
                if status == 204:
                    del MutableHeaders(scope=message)["content-type"]  # of nothing
            elif bodiless:
                message = {**message, "body": b""}
            await send(message)

        # RFC 9110, 9.3.2: HEAD is GET without the content. The server still sees the method that came, and an answer
        # without an end sees that nobody waits for one.
        bodiless = scope["method"] == "HEAD"
        seen = {**scope, "method": "GET", "bodiless": True} if bodiless else scope
        structlog.contextvars.clear_contextvars()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self.app(seen, receive, send_with_headers)
            except Exception:
                log.exception("request.failed", path=scope["path"])
                if status:
                    raise  # the answer has begun: only cutting the connection tells the client
                await self.send_crash(scope, send_with_headers, problems.InternalError())
            finally:
                if scope["path"] not in QUIET_PATHS:
                    took = round((time.perf_counter() - started) * 1000, 1)
                    log.info("request", method=scope["method"], path=scope["path"], status_code=status, ms=took)
                    if metrics := getattr(scope["app"].state, "metrics", None):
                        route = getattr(seen.get("route"), "path", "")
                        metrics.requests.labels(scope["method"], route, status).observe(took / 1000)

    def _complete(self, headers: MutableHeaders, request_id: str) -> None:
        headers["X-Request-ID"] = request_id
        for name, value in self.headers.items():
            headers.setdefault(name, value)


class CleanInput:
    """Refuses what no endpoint should ever see: NUL in the target, a body beyond the limit, JSON that is not strict."""

    def __init__(self, app: ASGIApp, max_body_size: int, streamed: Mapping[str, int] | None = None) -> None:
        self.app = app
        self.max_body_size = max_body_size
        self.streamed = streamed or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            _check_target(scope)
            headers = Headers(scope=scope)
            file_limit = self.streamed.get(scope["path"])
            json = file_limit is None and _is_json(headers)
            limit = file_limit or (min(self.max_body_size, JSON_BODY_LIMIT) if json else self.max_body_size)
            _check_length(headers, limit)
            receive = _bounded(receive, limit)
            if json:
                receive = _replay(await _read_json(receive))
        except HTTPException:
            await send_problem(scope, send, problems.ContentTooLarge())
        except problems.DomainError as error:
            await send_problem(scope, send, error)
        else:
            await self.app(scope, receive, send)


def _check_target(scope: Scope) -> None:
    if "\0" in scope["path"] or b"%00" in scope["query_string"]:
        fault = problems.FieldProblem(pointer="/query", code="nul", detail="NUL is not allowed")
        raise problems.RuleViolation(errors=[fault])


def _check_length(headers: Headers, limit: int) -> None:
    declared = headers.get("content-length", "0")
    if not declared.isdecimal():
        raise problems.BadRequest("Content-Length is not a number.")
    if len(declared) > 18 or int(declared) > limit:
        raise problems.ContentTooLarge(f"The body may have at most {limit} bytes.")


def _bounded(receive: Receive, limit: int) -> Receive:
    """``receive``, which fails once the body is longer than ``limit``: a chunked body declares no length."""
    size = 0

    async def bounded() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > limit:
            # FastAPI lets this class through while it reads a body; any other becomes a 400.
            raise HTTPException(413)
        return message

    return bounded


def _is_json(headers: Headers) -> bool:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


async def _read_json(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise problems.BadRequest("The connection ended before the body did.")
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    body = b"".join(chunks)
    if body:
        check_json(body)
    return body


def _replay(body: bytes) -> Receive:
    messages: Iterable[Message] = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Message:
        return next(iter(messages), {"type": "http.disconnect"})

    return receive
