"""How often one client may call: a token bucket for each, kept as the one time at which it is full again (GCRA)."""

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import Final

from servicekit.problems import TooManyRequests

RawHeaders = list[tuple[bytes, bytes]]
MAX_BUCKETS: Final = 50_000  # of each policy; about 8 MB


@dataclass(frozen=True, slots=True)
class Policy:
    """``burst`` requests at once, refilled at ``per_second``."""

    name: str
    per_second: int
    burst: int

    @property
    def described(self) -> bytes:
        """The field ``RateLimit-Policy``: the quota, and the seconds in which it comes back whole."""
        return f'"{self.name}";q={self.burst};w={math.ceil(self.burst / self.per_second)}'.encode()


DEFAULT: Final = Policy("default", per_second=100, burst=300)
SIGN_IN: Final = Policy("sign-in", per_second=10, burst=60)
ADDRESS: Final = Policy("address", per_second=1000, burst=3000)


class RateLimits:
    """Counts calls by client address, and by credential for those that send one.

    Nobody has checked the credential here, so all credentials of an address together have a limit too: else a new
    forged one with each call would know none. Where passwords are tried only the address counts.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._default = Buckets(DEFAULT, clock)
        self._sign_in = Buckets(SIGN_IN, clock)
        self._address = Buckets(ADDRESS, clock)

    def take(self, address: str, credential: bytes | None, *, strict: bool) -> RawHeaders:
        """Count one call. Returns the header fields that tell the client where it stands.

        Raises:
            TooManyRequests: with ``Retry-After`` and the same fields.
        """
        client = _network(address)
        if strict:
            return self._sign_in.take(client)
        if credential is None:
            return self._default.take(client)
        self._address.take(client)
        return self._default.take(client + hashlib.blake2b(credential, digest_size=16).digest())


class Buckets:
    """The buckets of one policy. Beyond MAX_BUCKETS the least recently used goes; by then it is nearly always full."""

    def __init__(self, policy: Policy, clock: Callable[[], float]) -> None:
        self._policy = policy
        self._clock = clock
        self._described = (b"ratelimit-policy", policy.described)
        self._full_at: dict[bytes, float] = {}

    def take(self, key: bytes) -> RawHeaders:
        """Take one from the bucket of ``key``, or raise TooManyRequests."""
        policy, now = self._policy, self._clock()
        full_at = max(self._full_at.pop(key, 0.0), now)  # popped and stored again: the order is that of use
        wait = full_at + (1 - policy.burst) / policy.per_second - now
        refused = wait > 1e-9
        if not refused:
            full_at += 1 / policy.per_second
        self._full_at[key] = full_at
        if len(self._full_at) > MAX_BUCKETS:
            del self._full_at[next(iter(self._full_at))]
        fields = [self._described, self._standing(full_at - now)]
        if refused:
            error = TooManyRequests(retry_after=math.ceil(wait))
            error.headers.update({name.decode(): value.decode() for name, value in fields})
            raise error
        return fields

    def _standing(self, until_full: float) -> tuple[bytes, bytes]:
        until_full -= 1e-6  # sums of tenths are not exact
        left = self._policy.burst - math.ceil(until_full * self._policy.per_second)
        return b"ratelimit", b'"%b";r=%d;t=%d' % (self._policy.name.encode(), left, math.ceil(until_full))


@lru_cache(maxsize=4096)
def _network(address: str) -> bytes:
    """One client: an IPv4 address, or the /64 that an IPv6 subscriber has for itself."""
    try:
        parsed = ip_address(address)
    except ValueError:  # no address, as under a Unix socket: they share one bucket
        return b"?"
    return parsed.packed[:8] if parsed.version == 6 else parsed.packed
