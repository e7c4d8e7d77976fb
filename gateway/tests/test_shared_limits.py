"""Rate limits of several replicas over one Valkey, and of one that has none at the moment."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs
from test_failures import closed_port
from test_limits import Clock, taken

from gateway.rate_limits import RateLimits
from gateway.routes import Policy
from gateway.shared_limits import SharedLimits

pytestmark = pytest.mark.integration


@asynccontextmanager
async def replicas(count: int, clock: Clock) -> AsyncIterator[list[tuple[RateLimits, SharedLimits]]]:
    """Replicas that share one policy, under a name that no other test uses."""
    policy = Policy(name=uuid4().hex, per_second=1, burst=10, by="address")
    policies = {"default": policy, "address": policy.model_copy(update={"name": uuid4().hex})}
    redis = Redis.from_url(os.environ["APPRAISE_TEST_VALKEY_URL"])
    try:
        found = []
        for _ in range(count):
            limits = RateLimits(policies, clock)
            found.append((limits, SharedLimits(limits, redis)))
        yield found
    finally:
        await redis.aclose()


async def test_what_one_replica_let_pass_the_others_know() -> None:
    async with replicas(3, Clock()) as (one, two, three):
        assert taken(one[0], 6) == 6
        await one[1].share()
        assert taken(two[0], 1) == 1  # it did not ask yet
        await two[1].share()
        assert taken(two[0], 10) == 3
        await two[1].share()
        assert taken(three[0], 1) == 1
        await three[1].share()
        assert taken(three[0], 10) == 0


async def test_what_passed_too_much_in_between_is_paid_back() -> None:
    clock = Clock()
    async with replicas(2, clock) as (one, two):
        assert taken(one[0], 20) + taken(two[0], 20) == 20
        await one[1].share()
        await two[1].share()
        clock.now += 10.5  # after which a bucket alone would be full again; together they owe as much again
        assert taken(two[0], 10) == 0


async def test_what_was_taken_while_the_others_were_asked_is_not_forgotten() -> None:
    async with replicas(1, Clock()) as ((limits, shared),):
        assert taken(limits, 4) == 4
        sharing = shared.share()
        assert taken(limits, 2) == 2
        await sharing
        assert taken(limits, 10) == 4


async def test_nothing_is_kept_in_valkey_longer_than_it_matters() -> None:
    async with replicas(1, Clock()) as ((limits, shared),):
        taken(limits, 5)
        await shared.share()
        redis = Redis.from_url(os.environ["APPRAISE_TEST_VALKEY_URL"])
        name = next(iter(limits._buckets.values())).policy.name
        keys = [key async for key in redis.scan_iter(f"gateway:limit:{name}:*")]
        assert len(keys) == 1
        assert 0 < await redis.pttl(keys[0]) <= 5001
        await redis.aclose()


async def test_without_valkey_each_replica_allows_half_and_with_it_all_again() -> None:
    clock = Clock()
    async with replicas(1, clock) as ((limits, shared),):
        away = SharedLimits(limits, Redis(port=await closed_port(), socket_connect_timeout=1))
        with capture_logs() as logs:
            assert taken(limits, 1) == 1
            await away.share()
            assert taken(limits, 20) == 4
            await away.share()
            clock.now += 20
            assert taken(limits, 20) == 5
            await away.share()
            clock.now += 20
            assert taken(limits, 1) == 1
            await shared.share()
            assert taken(limits, 20) == 9
        assert [line["event"] for line in logs] == ["limits.alone", "limits.shared"]
