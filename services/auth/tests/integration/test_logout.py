"""Sign out: the session's access tokens stop working everywhere."""

from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import jwt
import pytest
from fastapi import FastAPI
from services.auth.tests.conftest import Person, Sql

from auth_service.main import create_app
from auth_service.settings import Settings
from servicekit import testing
from servicekit.problems import InvalidToken
from servicekit.revocations import Follower, Revocations, http_feed
from servicekit.tokens import JwksKeys, TokenVerifier

pytestmark = pytest.mark.integration

FEED = "/internal/revocations"


async def logout(ada: Person, access_token: str) -> httpx.Response:
    return await ada.client.post("/api/v1/auth/logout", headers=testing.bearer(access_token))


def session_of(access_token: str) -> UUID:
    return UUID(jwt.decode(access_token, options={"verify_signature": False})["sid"])


@pytest.fixture(scope="session")
async def replica(settings: Settings, _app: FastAPI) -> AsyncIterator[FastAPI]:
    """A second process of the service."""
    async with testing.running(create_app(settings)) as app:
        yield app


async def test_logout_ends_the_session_here_at_once(ada: Person) -> None:
    tokens = await ada.login()
    answer = await logout(ada, tokens["access_token"])
    assert (answer.status_code, answer.content) == (204, b"")
    refused = await ada.me(tokens["access_token"])
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid-token")
    assert (await logout(ada, tokens["access_token"])).status_code == 401
    refresh = await ada.refresh(tokens["refresh_token"])
    assert (refresh.status_code, refresh.json()["code"]) == (401, "invalid-refresh-token")


async def test_a_refresh_just_before_the_logout_is_not_repeated_after_it(ada: Person) -> None:
    tokens = await ada.login()
    latest = (await ada.refresh(tokens["refresh_token"])).json()
    await logout(ada, latest["access_token"])
    assert (await ada.refresh(tokens["refresh_token"])).json()["code"] == "invalid-refresh-token"
    assert (await ada.me(tokens["access_token"])).status_code == 401


async def test_logout_needs_a_token(client: httpx.AsyncClient) -> None:
    assert (await client.post("/api/v1/auth/logout")).status_code == 401


async def test_another_service_refuses_the_tokens_after_its_next_poll(ada: Person, settings: Settings) -> None:
    tokens, other = await ada.login(), await ada.login()
    revocations = Revocations()
    follower = Follower(revocations, http_feed(ada.client, f"http://test{FEED}"))
    keys = JwksKeys("http://test/.well-known/jwks.json", ada.client)
    verifier = TokenVerifier(keys, settings, revocations)
    await follower.poll()
    principal = await verifier.verify(tokens["access_token"])
    assert principal.email_verified is False

    await logout(ada, tokens["access_token"])
    assert await verifier.verify(tokens["access_token"]) == principal  # it has not asked yet
    await follower.poll()

    with pytest.raises(InvalidToken):
        await verifier.verify(tokens["access_token"])
    assert (await verifier.verify(other["access_token"])).user_id == principal.user_id


async def test_another_replica_learns_of_it(ada: Person, replica: FastAPI) -> None:
    tokens = await ada.login()
    async with testing.client_of(replica) as elsewhere:
        assert (await Person(elsewhere, ada.address).me(tokens["access_token"])).status_code == 200
        await logout(ada, tokens["access_token"])
        await Follower(replica.state.revocations, replica.state.sessions.revocations).poll()
        assert (await Person(elsewhere, ada.address).me(tokens["access_token"])).status_code == 401


async def test_the_feed_goes_on_from_a_number_and_forgets_what_expired(ada: Person, sql: Sql) -> None:
    start = (await ada.client.get(FEED)).json()["last"]
    tokens = [await ada.login() for _ in range(3)]
    for pair in tokens:
        await logout(ada, pair["access_token"])
    page = (await ada.client.get(FEED, params={"since": start})).json()
    assert [UUID(item["session_id"]) for item in page["items"]] == [session_of(pair["access_token"]) for pair in tokens]
    rest = (await ada.client.get(FEED, params={"since": page["last"]})).json()
    assert rest == {"items": [], "last": page["last"]}

    await sql("UPDATE revoked_session SET expires_at = now() WHERE seq = $1", page["last"])
    page = (await ada.client.get(FEED, params={"since": start})).json()
    assert len(page["items"]) == 2


async def test_an_entry_outlives_the_last_access_token(ada: Person, sql: Sql) -> None:
    tokens = await ada.login()
    await logout(ada, tokens["access_token"])
    (row,) = await sql(
        "SELECT extract(epoch FROM expires_at) AS until FROM revoked_session WHERE session_id = $1",
        session_of(tokens["access_token"]),
    )
    assert row["until"] > jwt.decode(tokens["access_token"], options={"verify_signature": False})["exp"] + 30


@pytest.mark.parametrize("since", ["-1", "x", str(2**63)])
async def test_the_feed_refuses_what_is_no_number_of_its_own(client: httpx.AsyncClient, since: str) -> None:
    assert (await client.get(FEED, params={"since": since})).status_code == 422


async def test_the_feed_is_not_part_of_the_public_contract(app: FastAPI) -> None:
    assert FEED not in app.openapi()["paths"]
