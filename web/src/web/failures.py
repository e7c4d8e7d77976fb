"""How failures become pages: in human words, with the right status, and a way on."""

from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from servicekit import problems
from servicekit.handlers import problem_response
from servicekit.logs import get_logger
from servicekit.middleware import request_id_of
from web.api import ApiAway, ApiProblem
from web.errors import FormRefused, FormTooLarge, FormUnreadable, Refused, SignInNeeded
from web.problem_words import words_of
from web.site import site_of
from web.texts import text, text_or_none
from web.visits import Visit, own_path, visit_of

RETRY_SECONDS = "5"

log = get_logger(__name__)


def install(app: FastAPI) -> None:
    """Register the handlers on ``app``."""
    app.add_exception_handler(SignInNeeded, _sign_in_needed)
    app.add_exception_handler(ApiProblem, _api_problem)
    app.add_exception_handler(HTTPException, _http_exception)
    for kind, status in (
        (FormUnreadable, 400),
        (FormRefused, 403),
        (Refused, 403),
        (RequestValidationError, 404),  # an id that is not one; the pages take nothing else from the address that way
        (FormTooLarge, 413),
        (ApiAway, 503),
        (RedisError, 503),
        (OSError, 503),
        (Exception, 500),
    ):
        app.add_exception_handler(kind, _page_for(status, kind))


async def failure_page(request: Request, status: int, *, words: str | None = None, **headers: str) -> Response:
    """The page for a status, with the usual frame as far as it can be had. Who asks for no page gets a problem."""
    if "text/html" not in request.headers.get("accept", ""):
        problem = problems.BY_STATUS.get(status, problems.BadRequest)()
        problem.headers.update(headers)
        return problem_response(request, problem)
    name = status if text_or_none(f"failure.{status}.title") else 500 if status >= 500 else 400
    values = {
        "title": text(f"failure.{name}.title"),
        "words": words or text(f"failure.{name}.words"),
        "request_id": request_id_of(request.scope),
    }
    visit = await _visit_or_none(request)
    if visit is None:
        html = site_of(request).views.render("bare_failure.html", **values)
        response = Response(html, media_type="text/html", status_code=status)
    else:
        response = visit.page("failure.html", status=status, **values)
    response.headers.update({"Retry-After": RETRY_SECONDS} if status == 503 else {})
    response.headers.update(headers)
    return response


async def _visit_or_none(request: Request) -> Visit | None:
    try:
        return await visit_of(request)
    except (RedisError, OSError):
        return None


def _page_for(status: int, kind: type[Exception]) -> Any:
    async def handle(request: Request, error: Exception) -> Response:
        if status == 503:
            log.error("page.unavailable", cause=type(error).__name__, detail=str(error))
        words = text_or_none(f"failure.{kind.__name__}.words")
        return await failure_page(request, status, words=words)

    return handle


async def _sign_in_needed(request: Request, error: Exception) -> Response:  # noqa: ARG001 - the framework's signature
    """To the sign-in page, and from there back to where this began."""
    visit = await visit_of(request)
    came_from = urlsplit(request.headers.get("referer", ""))
    back = visit.address if request.method == "GET" else f"{came_from.path}?{came_from.query}".rstrip("?")
    if visit.session is None:  # and maybe between password and code, which the cookie knows
        return visit.redirect("/login", next=own_path(back), notice="sign-in-needed")
    return await visit.sign_out("/login", next=own_path(back), notice="sign-in-needed")


async def _api_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiProblem)  # noqa: S101 - registered for this class
    if error.status == 401:
        return await _sign_in_needed(request, error)
    headers = {"Retry-After": error.retry_after} if error.retry_after else {}
    return await failure_page(request, error.status, words=words_of(error), **headers)


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    response = await failure_page(request, error.status_code)
    response.headers.update(error.headers or {})
    return response
