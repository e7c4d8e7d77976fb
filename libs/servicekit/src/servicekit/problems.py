"""Failures as RFC 9457 problem details.

A service raises a class; one handler renders it. The tree::

    DomainError
    ├── BadRequest 400          ├── PreconditionFailed 412
    ├── Unauthenticated 401     ├── ContentTooLarge 413
    ├── Forbidden 403           ├── UnsupportedMediaType 415
    ├── NotFound 404            ├── RuleViolation 422
    ├── MethodNotAllowed 405    ├── Locked 423
    ├── Conflict 409            ├── PreconditionRequired 428
    ├── Gone 410                ├── TooManyRequests 429
    ├── InternalError 500       └── BadGateway 502, Unavailable 503, GatewayTimeout 504

Leaves live in each service's ``errors.py``. The class docstring is the text of the public page ``/problems/<code>``.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import msgspec
from pydantic import BaseModel, Field

MEDIA_TYPE = "application/problem+json"


class FieldProblem(BaseModel):
    """One fault of the input. The value itself is never repeated: it may be a secret."""

    pointer: str = Field(description="JSON Pointer into the body, or /query/<name>, /path/<name>, /header/<name>")
    code: str
    detail: str


class Problem(BaseModel):
    """RFC 9457 problem details, with this platform's extension members."""

    type: str = Field(description="/problems/<code>: a page that explains the error")
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    errors: list[FieldProblem] | None = None


class DomainError(Exception):
    """An expected failure: it has a code and a status, and nobody is woken for it."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Internal error"

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or " ".join((self.__doc__ or self.title).split())
        self.errors = list(errors)
        self.headers = dict(headers or {})


class BadRequest(DomainError):
    """The request can't be understood. Correct its form before sending it again."""

    status, code, title = 400, "bad-request", "Bad request"


class MalformedJson(BadRequest):
    """The body is not JSON in UTF-8 (RFC 8259). Send `Content-Type: application/json` and a well-formed document."""

    code, title = "malformed-json", "Malformed JSON"


class Unauthenticated(DomainError):
    """There is no valid access token. Sign in and send `Authorization: Bearer <access token>`."""

    status, code, title = 401, "unauthenticated", "Sign in first"

    def __init__(self, detail: str | None = None, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer", **(headers or {})})


class InvalidToken(Unauthenticated):
    """The access token is expired, malformed or not ours. Refresh it, or sign in again."""

    code, title = "invalid-token", "The access token is not valid"

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


class Forbidden(DomainError):
    """You are known, but this is not allowed to you. Ask an administrator for the role that the operation names."""

    status, code, title = 403, "forbidden", "Not allowed"


class NotFound(DomainError):
    """There is nothing here, or it belongs to somebody else."""

    status, code, title = 404, "not-found", "Not found"


class MethodNotAllowed(DomainError):
    """The path exists, but not with this method. The `Allow` header names those that do."""

    status, code, title = 405, "method-not-allowed", "Method not allowed"


class Conflict(DomainError):
    """The request does not fit the present state. Read the resource again, then decide."""

    status, code, title = 409, "conflict", "Conflict"


class Gone(DomainError):
    """This was there once and is not any more."""

    status, code, title = 410, "gone", "Gone"


class PreconditionFailed(DomainError):
    """Somebody changed the resource since you read it. Read it again, merge, and send its new `ETag` as `If-Match`."""

    status, code, title = 412, "precondition-failed", "The resource has changed"


class ContentTooLarge(DomainError):
    """The body is larger than this operation takes."""

    status, code, title = 413, "content-too-large", "The body is too large"


class UnsupportedMediaType(DomainError):
    """The body's `Content-Type` is not one that this operation takes."""

    status, code, title = 415, "unsupported-media-type", "Unsupported media type"


class RuleViolation(DomainError):
    """The request is well formed but breaks a rule. `errors` names each fault by JSON Pointer."""

    status, code, title = 422, "validation-error", "The request is not valid"


class InvalidCursor(RuleViolation):
    """The cursor is not one that this list gave out. Start again without one."""

    code, title = "invalid-cursor", "The cursor is not valid"

    def __init__(self, name: str = "cursor") -> None:
        fault = FieldProblem(pointer=f"/query/{name}", code="invalid-cursor", detail="Not a cursor of this list")
        super().__init__(errors=[fault])


class Locked(DomainError):
    """Somebody else works on this at the moment. Try again when their lease has ended."""

    status, code, title = 423, "locked", "Held by somebody else"


class PreconditionRequired(DomainError):
    """Changes need `If-Match` with the `ETag` that you read, so that nobody's change is lost."""

    status, code, title = 428, "precondition-required", "If-Match is required"


class TooManyRequests(DomainError):
    """Too many requests. Wait for the seconds that `Retry-After` names."""

    status, code, title = 429, "too-many-requests", "Too many requests"

    def __init__(self, detail: str | None = None, *, retry_after: int = 1) -> None:
        super().__init__(detail, headers={"Retry-After": str(max(1, retry_after))})


class InternalError(DomainError):
    """Something broke on our side. The `request_id` finds it in the log."""


class BadGateway(DomainError):
    """A service behind the gateway gave no usable answer. Try again."""

    status, code, title = 502, "upstream-failed", "A service gave no usable answer"


class Unavailable(DomainError):
    """A part that is needed is away at the moment. Try again after the seconds that `Retry-After` names."""

    status, code, title = 503, "unavailable", "Not available at the moment"

    def __init__(self, detail: str | None = None, *, retry_after: int = 5) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class GatewayTimeout(DomainError):
    """A service behind the gateway did not answer in time. A safe request may be tried again."""

    status, code, title = 504, "upstream-timeout", "A service did not answer in time"


BY_STATUS: Mapping[int, type[DomainError]] = {
    kind.status: kind
    for kind in (
        BadRequest, Unauthenticated, Forbidden, NotFound, MethodNotAllowed, Conflict, Gone, PreconditionFailed,
        ContentTooLarge, UnsupportedMediaType, RuleViolation, Locked, PreconditionRequired, TooManyRequests,
        InternalError, BadGateway, Unavailable, GatewayTimeout,
    )
}  # fmt: skip


def render(error: DomainError, *, path: str, request_id: str) -> bytes:
    """The problem document as JSON bytes."""
    body: dict[str, Any] = {
        "type": f"/problems/{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "instance": path,
        "code": error.code,
        "request_id": request_id,
    }
    if error.errors:
        body["errors"] = [problem.model_dump() for problem in error.errors]
    return msgspec.json.encode(body)


def describe(package: str) -> list[dict[str, Any]]:
    """Every problem that ``package`` can answer, for the public pages under ``/problems/``."""
    found = {
        one.code: {"code": one.code, "status": one.status, "title": one.title, "text": " ".join(one.__doc__.split())}
        for one in _subclasses(DomainError)
        if one.__doc__ and one.__module__.partition(".")[0] in {package, "servicekit"}
    }
    return [found[code] for code in sorted(found)]


def _subclasses(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _subclasses(child)
