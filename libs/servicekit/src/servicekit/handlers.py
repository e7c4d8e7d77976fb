"""The one place where failures become answers: our own, FastAPI's validation, the router's 404 and 405."""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.responses import Response

from servicekit import problems
from servicekit.json_body import escape
from servicekit.logs import get_logger
from servicekit.middleware import request_id_of
from servicekit.outages import DATABASE_ERRORS, outage

log = get_logger(__name__)

MOST_FAULTS = 100  # that an answer names: it must not be many times the request
# Texts that never contain any part of the value. All other kinds of fault get the general one.
SAFE_MESSAGES = frozenset({
    "missing", "extra_forbidden", "string_too_short", "string_too_long", "string_pattern_mismatch", "string_type",
    "int_type", "int_parsing", "int_from_float", "bool_type", "bool_parsing", "list_type", "dict_type", "too_long",
    "too_short", "greater_than", "greater_than_equal", "less_than", "less_than_equal", "literal_error", "enum",
    "model_attributes_type", "model_type", "timezone_aware", "date_type",
})  # fmt: skip


def install(app: FastAPI) -> None:
    """Register the handlers on ``app``."""
    app.add_exception_handler(problems.DomainError, _domain_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_exception)
    for kind in DATABASE_ERRORS:
        app.add_exception_handler(kind, _database_error)


def problem_response(request: Request, error: problems.DomainError) -> Response:
    """The answer for ``error``."""
    body = problems.render(error, path=request.scope["path"], request_id=request_id_of(request.scope))
    return Response(body, status_code=error.status, headers=error.headers, media_type=problems.MEDIA_TYPE)


async def _domain_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, problems.DomainError)  # noqa: S101 - the handler is registered for this class
    if error.status >= 500:
        log.error("problem", problem_code=error.code, detail=error.detail)
    return problem_response(request, error)


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - the handler is registered for this class
    if isinstance(error.body, bytes):  # FastAPI hands over raw bytes when the media type is not JSON
        return problem_response(request, problems.UnsupportedMediaType("Send the body as application/json."))
    faults = [_fault(fault) for fault in error.errors()[:MOST_FAULTS]]
    return problem_response(request, problems.RuleViolation(errors=faults))


async def _database_error(request: Request, error: Exception) -> Response:
    away = outage(error)
    if away is None:
        raise error
    log.error("database.unavailable", error=type(error).__name__)
    return problem_response(request, away)


def _fault(fault: dict[str, Any]) -> problems.FieldProblem:
    kind = str(fault["type"])
    if kind == "value_error" and str(fault["loc"][-1]) != "email":
        detail = str(fault["msg"]).removeprefix("Value error, ")
    else:
        detail = str(fault["msg"]) if kind in SAFE_MESSAGES else "Not a valid value."
    return problems.FieldProblem(pointer=_pointer(fault["loc"]), code=kind.replace("_", "-"), detail=detail)


def _pointer(location: Sequence[str | int]) -> str:
    origin, *rest = location
    path = rest if origin == "body" else [origin, *rest]
    return "".join(f"/{escape(str(part))}" for part in path)


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - the handler is registered for this class
    kind = problems.BY_STATUS.get(error.status_code, problems.BadRequest)
    problem = kind()
    problem.headers.update(error.headers or {})
    if error.status_code == 405:
        problem.headers["Allow"] = _allowed(request)
    return problem_response(request, problem)


def _allowed(request: Request) -> str:
    """Every method of the path. The router names those of the first route only, and each method is a route here."""
    routes = [
        found for found in iter_route_contexts(request.app.routes) if found.path_regex.match(request.scope["path"])
    ]
    methods = {method for found in routes for method in found.methods or ()}
    return ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods))
