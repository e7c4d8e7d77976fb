"""Who is asked for a token at the door, and which ones are good."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import jwt
import pytest
from running_gateway import NAMES, Gateway, open_gateway

from gateway.main import create_gateway
from gateway.settings import Settings
from servicekit import testing
from servicekit.revocations import Revocations


def token_of(gateway: Gateway, user: int = 7) -> str:
    return testing.make_token(UUID(int=user), ["user"], gateway.parts.settings)


@pytest.mark.parametrize("path", ["/api/v1/points", "/api/v1/tasks", "/api/v1/isins/US0378331005", "/api/v1/users/me"])
async def test_without_a_token_nothing_private_reaches_its_service(gateway: Gateway, path: str) -> None:
    del gateway.client.headers["authorization"]
    response = await gateway.client.get(path)
    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")
    assert response.headers["www-authenticate"] == "Bearer"
    assert [service.asked for service in gateway.services.values()] == [[]] * 5


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/v1/apps"), ("HEAD", "/api/v1/apps/1"), ("POST", "/api/v1/auth/login"), ("POST", "/login")],
)
async def test_what_anyone_may_call_needs_no_token_and_minds_no_bad_one(
    gateway: Gateway, method: str, path: str
) -> None:
    for headers in ({}, {"Authorization": "Bearer not.one"}, {"Authorization": "Basic eA=="}):
        gateway.client.headers.pop("authorization", None)
        assert (await gateway.client.request(method, path, headers=headers)).status_code == 200


async def test_reading_is_public_where_writing_is_not(gateway: Gateway) -> None:
    del gateway.client.headers["authorization"]
    assert (await gateway.client.post("/api/v1/apps", json={})).status_code == 401
    assert (await gateway.client.post("/api/v1/auth/logout")).status_code == 401


@pytest.mark.parametrize("bad", ["x", "a.b.c", "a" * 5000])
async def test_a_token_that_is_none_is_401(gateway: Gateway, bad: str) -> None:
    response = await gateway.client.get("/api/v1/points", headers={"Authorization": f"Bearer {bad}"})
    assert (response.status_code, response.json()["code"]) == (401, "invalid-token")
    assert gateway.rewards.asked == []


async def test_a_session_that_ended_is_refused_at_once_although_its_token_was_good_before(gateway: Gateway) -> None:
    token = token_of(gateway)
    session = UUID(jwt.decode(token, options={"verify_signature": False})["sid"])
    assert (await gateway.client.get("/api/v1/points", headers=testing.bearer(token))).status_code == 200
    gateway.revocations.add(session, datetime.now(UTC) + timedelta(minutes=5))
    response = await gateway.client.get("/api/v1/points", headers=testing.bearer(token))
    assert (response.status_code, response.json()["code"]) == (401, "invalid-token")
    assert len(gateway.rewards.asked) == 1


async def test_ended_sessions_come_from_auth_by_themselves() -> None:
    async with open_gateway() as platform:
        addresses = dict.fromkeys((f"{name}_url" for name in NAMES), platform.parts.settings.auth_url[0])
        revocations, session = Revocations(), uuid4()
        platform.auth.documents["/internal/revocations"] = {"items": [], "last": 0}
        parts = create_gateway(Settings.model_validate(addresses), revocations=revocations)
        async with parts.app.router.lifespan_context(parts.app):
            item = {"session_id": str(session), "expires_at": (datetime.now(UTC) + timedelta(minutes=5)).isoformat()}
            platform.auth.documents["/internal/revocations"] = {"items": [item], "last": 1}
            async with asyncio.timeout(10):
                while session not in revocations:  # noqa: ASYNC110 - what is looked at tells nobody
                    await asyncio.sleep(0.01)


async def test_a_body_that_comes_while_the_token_is_looked_at_is_kept(gateway: Gateway) -> None:
    head = b"POST /api/v1/tasks HTTP/1.1\r\nHost: a\r\n%bContent-Length: 5\r\n\r\n" % gateway.token
    assert (await gateway.exchange(head + b"hello")).startswith(b"HTTP/1.1 200 ")
    assert gateway.rewards.asked[0].body == b"hello"
