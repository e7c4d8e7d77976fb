"""Keys come from auth: asked for once, kept while it is away, and a stranger's ``kid`` can't make us ask all day."""

import asyncio
import base64
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from servicekit import tokens
from servicekit.problems import Unavailable
from servicekit.tokens import JwksKeys


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """The time in seconds."""
        return self.now


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


class Auth:
    """Publishes keys, or is away."""

    def __init__(self) -> None:
        self.keys: list[Any] = []
        self.answer: httpx.Response | None = None
        self.asked = 0
        self.published = asyncio.Event()
        self.client = httpx.AsyncClient(transport=httpx.MockTransport(self._serve))

    def publish(self, kid: str, **changes: str) -> None:
        x = _base64(Ed25519PrivateKey.generate().public_key().public_bytes_raw())
        self.keys.append({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, **changes})

    async def _serve(self, _request: httpx.Request) -> httpx.Response:
        self.asked += 1
        await asyncio.sleep(0)
        if self.answer is None:
            self.published.set()
        return self.answer or httpx.Response(200, json={"keys": self.keys})


@pytest.fixture
def auth() -> Auth:
    auth = Auth()
    auth.publish("one")
    return auth


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(tokens, "time", clock)
    return clock


@pytest.fixture
def keys(auth: Auth, clock: Clock) -> JwksKeys:
    return JwksKeys("http://auth/jwks", auth.client)


async def test_many_first_requests_ask_once(auth: Auth, keys: JwksKeys) -> None:
    found = await asyncio.gather(*(keys.key("one") for _ in range(50)))
    assert None not in found
    assert auth.asked == 1


async def test_who_waits_for_the_first_answer_waits_for_nobody_else(keys: JwksKeys) -> None:
    waiting = [asyncio.create_task(keys.key("one")) for _ in range(500)]
    await waiting[0]
    for _turn_of_the_loop in range(3):
        await asyncio.sleep(0)
    assert all(task.done() for task in waiting)


async def test_a_client_that_leaves_takes_the_keys_from_nobody(auth: Auth, keys: JwksKeys) -> None:
    first = asyncio.create_task(keys.key("one"))
    await asyncio.sleep(0)
    second = asyncio.create_task(keys.key("one"))
    await asyncio.sleep(0)
    first.cancel()
    assert await second is not None
    assert auth.asked == 1


async def test_keys_that_came_before_anybody_asked_are_there_when_auth_is_away(
    auth: Auth, keys: JwksKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "RETRY_SECONDS", 0)
    auth.answer = httpx.Response(503)
    async with keys.asking(), asyncio.timeout(10):
        with pytest.raises(Unavailable):
            await keys.key("one")
        auth.answer = None
        await auth.published.wait()
        auth.answer = httpx.Response(503)
        assert await keys.key("one") is not None


async def test_an_unknown_kid_asks_once_a_minute(auth: Auth, keys: JwksKeys, clock: Clock) -> None:
    await keys.key("one")
    auth.publish("two")
    for number in range(50):
        assert await keys.key(f"unknown-{number}") is None
    assert await keys.key("two") is None
    assert auth.asked == 1
    clock.now += 61
    assert await keys.key("two") is not None
    assert auth.asked == 2


async def test_known_keys_stay_while_auth_is_away(auth: Auth, keys: JwksKeys, clock: Clock) -> None:
    known = await keys.key("one")
    auth.answer = httpx.Response(503)
    clock.now += 61
    for _ in range(50):
        assert await keys.key("two") is None
        assert await keys.key("one") is known
    assert auth.asked == 2
    clock.now += 2
    auth.answer = None
    auth.publish("two")
    assert await keys.key("two") is not None


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500), httpx.Response(200, content=b"<html>"), httpx.Response(200, json=[]),
        httpx.Response(200, json={}), httpx.Response(200, json={"keys": [1]}),
        httpx.Response(302, headers={"Location": "/"}),
    ],
)  # fmt: skip
async def test_no_keys_yet_is_503_and_asks_again_soon(
    auth: Auth, keys: JwksKeys, clock: Clock, answer: httpx.Response
) -> None:
    auth.answer = answer
    for _ in range(20):
        with pytest.raises(Unavailable, match=r"^The keys that check access tokens can't be had at the moment\.$"):
            await keys.key("one")
    assert auth.asked == 1
    clock.now += 2
    auth.answer = None
    assert await keys.key("one") is not None


async def test_keys_of_another_kind_are_passed_over(auth: Auth, keys: JwksKeys) -> None:
    auth.publish("curve", crv="X25519")
    auth.publish("type", kty="EC")
    auth.keys += [{"kty": "oct", "k": "c2VjcmV0", "kid": "shared"}, {"kty": "OKP", "crv": "Ed25519", "x": "AA"}]
    assert await keys.key("one") is not None
    for kid in ("curve", "type", "shared"):
        assert await keys.key(kid) is None


async def test_a_key_may_call_its_algorithm_by_the_newer_name(auth: Auth, keys: JwksKeys) -> None:
    auth.publish("newer", alg="Ed25519")  # RFC 9864
    assert await keys.key("newer") is not None


async def test_a_private_key_published_by_mistake_checks_nothing(auth: Auth, keys: JwksKeys) -> None:
    private = Ed25519PrivateKey.generate()
    auth.publish("private", x=_base64(private.public_key().public_bytes_raw()), d=_base64(private.private_bytes_raw()))
    assert await keys.key("private") is None


async def test_a_key_that_auth_withdrew_is_gone_at_the_next_question(auth: Auth, keys: JwksKeys, clock: Clock) -> None:
    await keys.key("one")
    auth.keys.clear()
    auth.publish("two")
    clock.now += 61
    assert await keys.key("two") is not None
    assert await keys.key("one") is None
