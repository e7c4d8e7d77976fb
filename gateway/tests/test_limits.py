"""How often one client may call."""

import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from running_gateway import open_gateway

from gateway.rate_limits import MAX_BUCKETS, Buckets, RateLimits
from gateway.routes import Policy, load_table
from servicekit.problems import TooManyRequests

POLICIES = load_table().policies
DEFAULT, SIGN_IN, ADDRESS = (POLICIES[name] for name in ("default", "sign-in", "address"))


def policy(*, per_second: int, burst: int) -> Policy:
    return Policy(name="p", per_second=per_second, burst=burst, by="address")


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def taken(
    limits: RateLimits, count: int, address: str = "1.2.3.4", *, user: UUID | None = None, policy: str = "default"
) -> int:
    """How many of ``count`` calls pass."""
    passed = 0
    for _ in range(count):
        try:
            if not limits.first(policy, address, has_token=user is not None):
                limits.second(policy, address, user)
        except TooManyRequests:
            continue
        passed += 1
    return passed


def test_a_burst_passes_and_then_the_rate() -> None:
    clock = Clock()
    limits = RateLimits(POLICIES, clock)
    assert taken(limits, 1000) == DEFAULT.burst
    clock.now += 1.0
    assert taken(limits, 1000) == DEFAULT.per_second
    clock.now += 3600
    assert taken(limits, 1000) == DEFAULT.burst


def test_where_passwords_are_tried_only_the_address_counts() -> None:
    limits = RateLimits(POLICIES, Clock())
    passed = sum(taken(limits, 1, user=UUID(int=number), policy="sign-in") for number in range(200))
    assert passed == SIGN_IN.burst
    assert taken(limits, 1) == 1  # a limit of its own


def test_each_user_has_a_bucket_and_all_of_an_address_one_more() -> None:
    limits = RateLimits(POLICIES, Clock())
    assert taken(limits, 1000, user=UUID(int=1)) == taken(limits, 1000, user=UUID(int=2)) == DEFAULT.burst
    others = sum(taken(limits, 1, user=UUID(int=number)) for number in range(3, 10_000))
    assert others == ADDRESS.burst - 2000  # the tries that were refused count for the address
    assert taken(limits, 1, "5.6.7.8", user=UUID(int=1)) == 0  # a user is the same everywhere


def test_addresses_do_not_share_but_an_ipv6_subscriber_is_one() -> None:
    limits = RateLimits(POLICIES, Clock())
    assert taken(limits, 1000, "1.2.3.4") == taken(limits, 1000, "1.2.3.5") == DEFAULT.burst
    assert taken(limits, 200, "2001:db8::1") + taken(limits, 200, "2001:db8::2") == DEFAULT.burst
    assert taken(limits, 1, "2001:db8:0:1::1") == 1


def test_the_refusal_says_when_to_come_again() -> None:
    clock = Clock()
    buckets = Buckets(policy(per_second=1, burst=2), clock)
    assert buckets.lines(buckets.take(b"a")) == b'ratelimit-policy: "p";q=2;w=2\r\nratelimit: "p";r=1;t=1\r\n'
    assert buckets.lines(buckets.take(b"a")).endswith(b'ratelimit: "p";r=0;t=2\r\n')
    with pytest.raises(TooManyRequests) as refused:
        buckets.take(b"a")
    assert refused.value.headers["Retry-After"] == "1"
    assert refused.value.headers["ratelimit"] == '"p";r=0;t=2'
    clock.now += 1
    buckets.take(b"a")


@given(st.lists(st.floats(min_value=0, max_value=3), max_size=60))
def test_never_more_than_the_burst_and_the_rate(pauses: list[float]) -> None:
    clock, quota = Clock(), policy(per_second=2, burst=5)
    buckets, passed = Buckets(quota, clock), 0
    for pause in pauses:
        clock.now += pause
        try:
            left = int(re.search(rb"r=(\d+)", buckets.lines(buckets.take(b"a")))[1])  # type: ignore[index]  # it is always there
        except TooManyRequests:
            continue
        passed += 1
        assert 0 <= left < quota.burst
    assert passed <= quota.burst + quota.per_second * (clock.now - 1000.0) + 1e-6


def test_memory_is_bounded_and_the_least_recently_used_goes_first() -> None:
    buckets = Buckets(policy(per_second=1, burst=1), Clock())
    for number in range(MAX_BUCKETS):
        buckets.take(b"%d" % number)
    with pytest.raises(TooManyRequests):
        buckets.take(b"0")  # used again, so `1` is the oldest now
    buckets.take(b"new")
    buckets.take(b"1")
    with pytest.raises(TooManyRequests):
        buckets.take(b"0")


async def test_over_http_the_limits_are_told_and_kept() -> None:
    clock = Clock()
    async with open_gateway(clock=clock, rate_limits=True) as gateway:
        response = await gateway.client.post("/api/v1/auth/login", json={})
        assert response.headers["ratelimit-policy"] == '"sign-in";q=60;w=6'
        assert response.headers["ratelimit"] == '"sign-in";r=59;t=1'
        for _ in range(59):
            assert (await gateway.client.post("/api/v1/auth/login", json={})).status_code == 200
        refused = await gateway.client.post("/api/v1/auth/login", json={}, headers={"X-Forwarded-For": "6.6.6.6"})
        assert (refused.status_code, refused.json()["code"]) == (429, "too-many-requests")
        assert refused.headers["retry-after"] == "1"
        assert refused.headers["ratelimit"] == '"sign-in";r=0;t=6'
        assert len(gateway.auth.asked) == 60
        del gateway.client.headers["authorization"]
        for path in ("/api/v1/apps", "/", "/docs", "/api/none"):
            assert (await gateway.client.get(path)).headers["ratelimit-policy"] == '"default";q=300;w=3', path
        assert "ratelimit" not in (await gateway.client.get("/healthz")).headers
        clock.now += 0.1
        assert (await gateway.client.post("/api/v1/auth/login", json={})).status_code == 200


async def test_over_http_a_forged_token_counts_for_its_address() -> None:
    async with open_gateway(clock=Clock(), rate_limits=True) as gateway:
        for number in range(DEFAULT.burst):
            forged = {"Authorization": f"Bearer forged.{number}"}
            refused = await gateway.client.get("/api/v1/points", headers=forged)
            assert (refused.status_code, refused.json()["code"]) == (401, "invalid-token")
        assert refused.headers["ratelimit"] == '"default";r=0;t=3'
        assert (await gateway.client.get("/api/v1/points", headers=forged)).status_code == 429


async def test_over_http_the_limits_can_be_off() -> None:
    async with open_gateway(rate_limits="off") as gateway:
        for _ in range(100):
            response = await gateway.client.post("/api/v1/auth/login", json={})
            assert response.status_code == 200
        assert "ratelimit" not in response.headers
