"""The siblings over HTTP: what their answers mean here."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from rewards_service.clients.accounts import HttpAccounts
from rewards_service.clients.catalog import HttpCatalog
from servicekit.problems import InvalidToken, Unavailable

APP_ID = uuid4()
APP: dict[str, Any] = {
    "id": str(APP_ID),
    "package_name": "org.example.reader",
    "name": "Example Reader",
    "summary": "Reads",
    "points": 250,
    "status": "published",
    "max_completions": None,
    "created_at": "2026-01-01T00:00:00Z",
}
ME = {"id": str(uuid4()), "email": "a@example.org", "email_verified": True, "name": "Ada", "roles": ["user"]}


class Sibling:
    """Answers every request in one way and remembers it."""

    def __init__(self, answer: httpx.Response | Exception) -> None:
        self.answer = answer
        self.requests: list[httpx.Request] = []
        self.client = httpx.AsyncClient(transport=httpx.MockTransport(self._handle))

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


BROKEN = [
    httpx.ConnectError("refused"),
    httpx.ReadTimeout("slow"),
    httpx.Response(500),
    httpx.Response(503, json={"code": "unavailable"}),
    httpx.Response(302, headers={"Location": "http://elsewhere.example"}),
    httpx.Response(200, content=b"<html>"),
    httpx.Response(200, json={"id": "x"}),
]


async def test_an_app_is_read() -> None:
    catalog = Sibling(httpx.Response(200, json=APP))
    app = await HttpCatalog("http://catalog/", catalog.client).app(APP_ID)
    assert app is not None
    assert (app.id, app.points, app.status, app.max_completions) == (APP_ID, 250, "published", None)
    assert str(catalog.requests[0].url) == f"http://catalog/api/v1/apps/{APP_ID}"
    assert "authorization" not in catalog.requests[0].headers  # as the public sees it: no drafts


async def test_an_app_that_the_public_does_not_see_is_none() -> None:
    catalog = Sibling(httpx.Response(404, json={"code": "not-found"}))
    assert await HttpCatalog("http://catalog", catalog.client).app(APP_ID) is None


@pytest.mark.parametrize("answer", BROKEN, ids=str)
async def test_a_catalogue_without_a_usable_answer_is_away(answer: httpx.Response | Exception) -> None:
    with pytest.raises(Unavailable):
        await HttpCatalog("http://catalog", Sibling(answer).client).app(APP_ID)


async def test_an_account_is_read_with_its_own_token() -> None:
    auth = Sibling(httpx.Response(200, json=ME))
    account = await HttpAccounts("http://auth/", auth.client).me("a-token")
    assert (account.name, account.email_verified) == ("Ada", True)
    assert str(auth.requests[0].url) == "http://auth/api/v1/users/me"
    assert auth.requests[0].headers["authorization"] == "Bearer a-token"


async def test_a_token_that_auth_refuses_is_not_valid() -> None:
    with pytest.raises(InvalidToken):
        await HttpAccounts("http://auth", Sibling(httpx.Response(401)).client).me("a-token")


@pytest.mark.parametrize("answer", BROKEN, ids=str)
async def test_accounts_without_a_usable_answer_are_away(answer: httpx.Response | Exception) -> None:
    with pytest.raises(Unavailable):
        await HttpAccounts("http://auth", Sibling(answer).client).me("a-token")
