"""How a call to the REST API is made: in whose name, with which token, and with two failures.

``ApiProblem`` is an answer that says no (RFC 9457), ``ApiAway`` is no usable answer at all.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import cache
from os import SEEK_END
from typing import Any, BinaryIO, Protocol, TypeVar, cast

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

Kind = TypeVar("Kind")
Values = Mapping[str, Any]
READ_SIZE = 256 * 1024
UPLOAD_TIMEOUT = httpx.Timeout(60.0, connect=3.0)  # the picture is decoded and stored before the answer


class Fault(BaseModel):
    """One fault of the input."""

    pointer: str
    code: str
    detail: str


class ProblemDetails(BaseModel):
    """RFC 9457, with the members that this platform adds."""

    status: int
    code: str
    title: str
    detail: str | None = None
    errors: list[Fault] = []


class ApiProblem(Exception):
    """The API said no, and why."""

    def __init__(self, details: ProblemDetails, retry_after: str | None = None) -> None:
        super().__init__(f"{details.status} {details.code}")
        self.details = details
        self.retry_after = retry_after

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.details.status

    @property
    def code(self) -> str:
        """The last segment of the problem's type."""
        return self.details.code


class ApiAway(Exception):
    """The API did not answer, or not in its own language."""


class Credentials(Protocol):
    """Where a call's access token comes from."""

    async def access_token(self) -> str:
        """The present one."""

    async def renewed(self, refused: str) -> str:
        """The one after ``refused``, which the API no longer takes."""


@dataclass(frozen=True)
class Upload:
    """A picture on its way from the browser to the API."""

    name: str
    kind: str
    file: BinaryIO


@dataclass(frozen=True)
class Content:
    """A body that is no JSON: bytes, or a file that is sent as it is read."""

    kind: str
    body: bytes | BinaryIO

    @property
    def headers(self) -> dict[str, str]:
        """Kind and length."""
        return {"Content-Type": self.kind, "Content-Length": str(self._length())}

    def sent(self) -> bytes | AsyncIterator[bytes]:
        """The body from its beginning."""
        return self.body if isinstance(self.body, bytes) else _read_through(self.body)

    def _length(self) -> int:
        return len(self.body) if isinstance(self.body, bytes) else self.body.seek(0, SEEK_END)


@dataclass(frozen=True)
class Browser:
    """Whom a page calls the API for: the gateway's limits are then that person's, not the pages'."""

    request_id: str
    address: str
    languages: str = ""  # Accept-Language
    user_agent: str = ""
    device_token: str = ""  # says that this browser was signed in before


@dataclass(frozen=True)
class Calls:
    """How the calls for one request of a browser are made."""

    http: httpx.AsyncClient
    browser: Browser
    credentials: Credentials | None = None

    async def send(
        self,
        method: str,
        path: str,
        *,
        json: Values | None = None,
        params: Values | None = None,
        headers: Values | None = None,
        upload: Upload | None = None,
        content: Content | None = None,
        stream: bool = False,
        patience: httpx.Timeout | None = None,
    ) -> httpx.Response:
        """The answer, of status 2xx or 304. A refused access token is renewed and the call made once more."""
        token = await self.credentials.access_token() if self.credentials else None
        for last in (False, True):
            request = self.http.build_request(
                method,
                f"/api/v1{path}",
                json=json,
                params=params,
                headers={**(headers or {}), **(content.headers if content else {}), **self._own_headers(token)},
                files={"file": (upload.name, _rewound(upload.file), upload.kind)} if upload else None,
                content=content.sent() if content else None,
                timeout=patience or (UPLOAD_TIMEOUT if upload or content else httpx.USE_CLIENT_DEFAULT),
            )
            answer = await self._answer(request, stream=stream)
            if answer.is_success or answer.status_code == 304:
                return answer
            problem = await _problem_of(answer)
            if token is None or self.credentials is None or last or not _is_token_refused(problem):
                break
            token = await self.credentials.renewed(token)
        raise problem

    def _own_headers(self, token: str | None) -> dict[str, str]:
        headers = {"X-Request-ID": self.browser.request_id, "Accept": "application/json, image/*"}
        told = {
            "X-Forwarded-For": self.browser.address,
            "Accept-Language": self.browser.languages,
            "User-Agent": self.browser.user_agent,
        }
        headers.update({name: value for name, value in told.items() if value})
        return {**headers, "Authorization": f"Bearer {token}"} if token else headers

    async def _answer(self, request: httpx.Request, *, stream: bool) -> httpx.Response:
        try:
            return await self.http.send(request, stream=stream)
        except httpx.HTTPError as error:
            raise ApiAway(type(error).__name__) from error


def _is_token_refused(problem: Exception) -> bool:
    """Whether a new access token may help: a 401 may also mean that a password in the form is wrong."""
    return isinstance(problem, ApiProblem) and problem.code in {"invalid-token", "unauthenticated"}


def given(query: Values) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value not in (None, "")}


def once(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


def _rewound(file: BinaryIO) -> BinaryIO:
    file.seek(0)
    return file


async def _read_through(file: BinaryIO) -> AsyncIterator[bytes]:
    _rewound(file)
    while chunk := await asyncio.to_thread(file.read, READ_SIZE):
        yield chunk


def read(kind: type[Kind], answer: httpx.Response) -> Kind:
    try:
        return cast("Kind", _adapter(kind).validate_json(answer.content))  # type: ignore[arg-type]  # classes are hashable
    except ValidationError as error:
        raise ApiAway(f"{answer.request.method} {answer.request.url.path}: not a {kind.__name__}") from error


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    """Made once for each kind of answer, of which there are as many as operations."""
    return TypeAdapter(kind)


async def _problem_of(answer: httpx.Response) -> Exception:
    try:
        await answer.aread()
        details = ProblemDetails.model_validate_json(answer.content)
    except (ValidationError, httpx.HTTPError):
        return ApiAway(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} without a problem")
    finally:
        await answer.aclose()
    if details.status in {502, 503, 504}:
        return ApiAway(details.code)
    return ApiProblem(details, answer.headers.get("retry-after"))
