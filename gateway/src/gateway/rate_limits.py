"""How often one client may call: a token bucket for each, kept as the one time at which it is full again (GCRA).

A request is decided here, in memory, without waiting for anybody. What other replicas counted is added from outside
(``shared_limits``); while that does not come, each bucket has only its strict part.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from ipaddress import ip_address
from typing import Final
from uuid import UUID

from gateway.routes import ADDRESS_POLICY, Policy
from servicekit.problems import TooManyRequests

MAX_BUCKETS: Final = 50_000  # of each policy; about 8 MB
STRICT_SHARE: Final = 0.5  # of rate and burst, for each replica that can't see the others


class Buckets:
    """The buckets of one policy. Beyond MAX_BUCKETS the least recently used goes; by then it is nearly always full."""

    def __init__(self, policy: Policy, clock: Callable[[], float]) -> None:
        self.policy = policy
        self._clock = clock
        self._full_at: dict[bytes, float] = {}
        self.unshared: dict[bytes, int] = {}  # taken since the others were told
        self.shares = False
        self.set_strict(strict=False)

    def set_strict(self, *, strict: bool) -> None:
        """From now on with the whole quota, or with the part of a replica that does not see the others."""
        share = STRICT_SHARE if strict else 1.0
        burst = self._burst = max(1, int(self.policy.burst * share))
        rate = self._rate = self.policy.per_second * share
        self._interval = 1 / rate
        self._tolerance = (burst - 1) / rate + 1e-9
        name = self.policy.name.encode()
        self._policy_line = b'ratelimit-policy: "%b";q=%d;w=%d\r\n' % (name, burst, math.ceil(burst / rate))
        self._standing = b'ratelimit: "%b";r=%%d;t=%%d\r\n' % name

    def take(self, key: bytes) -> float:
        """Take one from the bucket of ``key``. Returns in how many seconds it is full again.

        Raises:
            TooManyRequests: with ``Retry-After`` and what ``lines`` says.
        """
        now = self._clock()
        full_at = self._full_at.pop(key, 0.0)  # popped and stored again: the order is that of use
        until_full = full_at - now if full_at > now else 0.0
        refused = until_full > self._tolerance
        if not refused:
            until_full += self._interval
            if self.shares:
                self.unshared[key] = self.unshared.get(key, 0) + 1
        self._full_at[key] = now + until_full
        if len(self._full_at) > MAX_BUCKETS:
            del self._full_at[next(iter(self._full_at))]
        if refused:
            raise self._refusal(until_full)
        return until_full

    def _refusal(self, until_full: float) -> TooManyRequests:
        error = TooManyRequests(retry_after=math.ceil(until_full - self._tolerance))
        for line in self.lines(until_full).decode().splitlines():
            name, _, value = line.partition(": ")
            error.headers[name] = value
        return error

    def lines(self, until_full: float) -> bytes:
        """The header lines that tell the client where it stands."""
        until_full -= 1e-6  # sums of tenths are not exact
        left = max(0, self._burst - math.ceil(until_full * self._rate))
        return self._policy_line + self._standing % (left, math.ceil(until_full))

    def settle(self, key: bytes, until_full: float) -> None:
        """What all replicas together took from ``key`` fills again in so many seconds."""
        behind = self.unshared.get(key, 0) * self._interval  # taken while the others were asked
        self._full_at[key] = self._clock() + until_full + behind


class RateLimits:
    """Counts calls by client address, and by user for those that send a good token.

    With a token the address counts first, in a wide bucket: else a new forged one with each call would know no limit.
    Where passwords are tried only the address counts.
    """

    def __init__(self, policies: Mapping[str, Policy], clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[str, Buckets] = {}
        self.shares = False
        self.strict = False
        self.use(policies)

    def use(self, policies: Mapping[str, Policy]) -> None:
        """From now on these policies; buckets of one that did not change stay as they are."""
        kept = {name: buckets for name, buckets in self._buckets.items() if policies.get(name) == buckets.policy}
        self._buckets = {name: kept.get(name) or Buckets(policy, self._clock) for name, policy in policies.items()}
        self.set_sharing(shares=self.shares, strict=self.strict)

    def set_sharing(self, *, shares: bool, strict: bool) -> None:
        """Whether other replicas are told, and whether they can be told at the moment."""
        self.shares, self.strict = shares, strict
        for buckets in self._buckets.values():
            buckets.shares = shares
            buckets.set_strict(strict=strict)

    def first(self, policy: str, address: str, *, has_token: bool) -> bytes:
        """Count a call before anything else is known. Returns the header lines, or none when ``second`` has to follow.

        Raises:
            TooManyRequests: with ``Retry-After`` and the same lines.
        """
        client = network_of(address)
        buckets = self._buckets[policy]
        if not has_token or buckets.policy.by == "address":
            return buckets.lines(buckets.take(client))
        self._buckets[ADDRESS_POLICY].take(client)
        return b""

    def second(self, policy: str, address: str, user: UUID | None) -> bytes:
        """Count a call with a token for its user; for the address when the token was not good. As ``first``."""
        buckets = self._buckets[policy]
        return buckets.lines(buckets.take(user.bytes if user else network_of(address)))

    def unshared(self) -> Iterator[tuple[Buckets, dict[bytes, int]]]:
        """What was taken from each policy since the last time."""
        for buckets in self._buckets.values():
            if buckets.unshared:
                taken, buckets.unshared = buckets.unshared, {}
                yield buckets, taken


@lru_cache(maxsize=4096)
def network_of(address: str) -> bytes:
    """One client: an IPv4 address, or the /64 that an IPv6 subscriber has for itself."""
    try:
        parsed = ip_address(address)
    except ValueError:  # no address, as under a Unix socket: they share one bucket
        return b"?"
    return parsed.packed[:8] if parsed.version == 6 else parsed.packed
