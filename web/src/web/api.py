"""The REST API as a client sees it: one method for each operation that the pages use, typed answers, two failures.

``ApiProblem`` is an answer that says no (RFC 9457), ``ApiAway`` is no usable answer at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol, TypeVar
from uuid import UUID

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from web.answers import Account, App, Balance, Category, Entry, Feed, Isin, Listed, Review, SignIn, Task, TokenPair

Kind = TypeVar("Kind")
Values = Mapping[str, Any]
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
class Browser:
    """Whom a page calls the API for: the gateway's limits are then that person's, not the pages'."""

    request_id: str
    address: str


@dataclass(frozen=True)
class Api:
    """The API for one request of a browser."""

    http: httpx.AsyncClient
    browser: Browser
    credentials: Credentials | None = None

    # Accounts

    async def register(self, values: Values) -> None:
        """A new account, or a mail to the owner of the one that exists."""
        await self._send("POST", "/auth/register", json=values)

    async def verify_email(self, token: str) -> None:
        """Spend the token of the mail."""
        await self._send("POST", "/auth/verify-email", json={"token": token})

    async def login(self, values: Values) -> SignIn:
        """Tokens for an address and a password."""
        return _read(SignIn, await self._send("POST", "/auth/login", json=values))

    async def forgot_password(self, email: str) -> None:
        """A mail with a link, when the address is known."""
        await self._send("POST", "/auth/password/forgot", json={"email": email})

    async def reset_password(self, token: str, password: str) -> None:
        """Spend the token of that mail on a new password."""
        await self._send("POST", "/auth/password/reset", json={"token": token, "password": password})

    async def refresh(self, refresh_token: str) -> TokenPair:
        """The next pair of tokens."""
        return _read(TokenPair, await self._send("POST", "/auth/refresh", json={"refresh_token": refresh_token}))

    async def logout(self) -> None:
        """End the session of these tokens."""
        await self._send("POST", "/auth/logout")

    async def me(self) -> Account:
        """Who is signed in."""
        return _read(Account, await self._send("GET", "/users/me"))

    # Catalogue

    async def apps(self, query: Values) -> Listed[App]:
        """Published apps; for admins also those of another ``status``."""
        return _read(Listed[App], await self._send("GET", "/apps", params=_given(query)))

    async def app(self, app_id: UUID) -> tuple[App, str]:
        """One app and its ETag."""
        answer = await self._send("GET", f"/apps/{app_id}")
        return _read(App, answer), answer.headers.get("etag", "")

    async def categories(self) -> list[Category]:
        """The tree of categories."""
        return _read(Listed[Category], await self._send("GET", "/categories")).items

    async def create_app(self, values: Values) -> App:
        """A new draft."""
        return _read(App, await self._send("POST", "/apps", json=values))

    async def change_app(self, app_id: UUID, etag: str, values: Values) -> None:
        """Change an app of which ``etag`` has been seen."""
        await self._send("PATCH", f"/apps/{app_id}", json=values, headers={"If-Match": etag})

    async def publish_app(self, app_id: UUID) -> None:
        """Show an app to everyone."""
        await self._send("POST", f"/apps/{app_id}/publish")

    async def archive_app(self, app_id: UUID) -> None:
        """Take an app out of the catalogue."""
        await self._send("POST", f"/apps/{app_id}/archive")

    # Tasks and points

    async def tasks(self, query: Values) -> Listed[Task]:
        """One's own tasks."""
        return _read(Listed[Task], await self._send("GET", "/tasks", params=_given(query)))

    async def task(self, task_id: UUID) -> Task:
        """One of one's own tasks."""
        return _read(Task, await self._send("GET", f"/tasks/{task_id}"))

    async def start_task(self, app_id: UUID, key: str) -> Task:
        """Begin with an app."""
        return _read(Task, await self._send("POST", "/tasks", json={"app_id": str(app_id)}, headers=_idempotent(key)))

    async def cancel_task(self, task_id: UUID) -> None:
        """Give a task up."""
        await self._send("POST", f"/tasks/{task_id}/cancel")

    async def submit_proof(self, task_id: UUID, key: str, upload: Upload) -> None:
        """Hand in a screenshot."""
        await self._send("POST", f"/tasks/{task_id}/proofs", upload=upload, headers=_idempotent(key))

    async def picture(self, proof_id: UUID, size: str, seen: str | None) -> httpx.Response:
        """The screenshot as a stream, which the caller closes; 304 when ``seen`` is still its ETag."""
        headers = {"If-None-Match": seen} if seen else {}
        return await self._send("GET", f"/proofs/{proof_id}/{size}", headers=headers, stream=True)

    async def balance(self) -> Balance:
        """One's own points."""
        return _read(Balance, await self._send("GET", "/points"))

    async def entries(self, query: Values) -> Listed[Entry]:
        """One's own statement."""
        return _read(Listed[Entry], await self._send("GET", "/points/entries", params=_given(query)))

    # Reviews

    async def reviews(self, query: Values) -> Listed[Review]:
        """What waits for a reviewer."""
        return _read(Listed[Review], await self._send("GET", "/reviews", params=_given(query)))

    async def lease_review(self, task_id: UUID) -> None:
        """Reserve a task for oneself for a while."""
        await self._send("POST", f"/reviews/{task_id}/lease")

    async def decide(self, task_id: UUID, key: str, decision: Values) -> None:
        """Approve or reject."""
        await self._send("POST", f"/reviews/{task_id}/decision", json=decision, headers=_idempotent(key))

    # ISINs

    async def isin(self, isin: str) -> Isin:
        """One security."""
        return _read(Isin, await self._send("GET", f"/isins/{isin}"))

    async def feeds(self) -> list[Feed]:
        """The daily lists."""
        return _read(Listed[Feed], await self._send("GET", "/feeds")).items

    # How a call is made

    async def _send(
        self,
        method: str,
        path: str,
        *,
        json: Values | None = None,
        params: Values | None = None,
        headers: Values | None = None,
        upload: Upload | None = None,
        stream: bool = False,
    ) -> httpx.Response:
        """The answer, of status 2xx or 304. A refused access token is renewed and the call made once more."""
        token = await self.credentials.access_token() if self.credentials else None
        for last in (False, True):
            request = self.http.build_request(
                method,
                f"/api/v1{path}",
                json=json,
                params=params,
                headers={**(headers or {}), **self._own_headers(token)},
                files={"file": (upload.name, _rewound(upload.file), upload.kind)} if upload else None,
                timeout=UPLOAD_TIMEOUT if upload else httpx.USE_CLIENT_DEFAULT,
            )
            answer = await self._answer(request, stream=stream)
            if answer.status_code != 401 or token is None or self.credentials is None or last:
                break
            await answer.aclose()
            token = await self.credentials.renewed(token)
        if answer.is_success or answer.status_code == 304:
            return answer
        raise await _problem_of(answer)

    def _own_headers(self, token: str | None) -> dict[str, str]:
        headers = {"X-Request-ID": self.browser.request_id, "Accept": "application/json, image/*"}
        if self.browser.address:
            headers["X-Forwarded-For"] = self.browser.address
        return {**headers, "Authorization": f"Bearer {token}"} if token else headers

    async def _answer(self, request: httpx.Request, *, stream: bool) -> httpx.Response:
        try:
            return await self.http.send(request, stream=stream)
        except httpx.HTTPError as error:
            raise ApiAway(type(error).__name__) from error


def _given(query: Values) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value not in (None, "")}


def _idempotent(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


def _rewound(file: BinaryIO) -> BinaryIO:
    file.seek(0)
    return file


def _read(kind: type[Kind], answer: httpx.Response) -> Kind:
    try:
        return TypeAdapter(kind).validate_json(answer.content)
    except ValidationError as error:
        raise ApiAway(f"{answer.request.method} {answer.request.url.path}: not a {kind.__name__}") from error


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
