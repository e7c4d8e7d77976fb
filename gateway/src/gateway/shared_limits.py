"""Rate limits that replicas share through Valkey: each tells what it let pass, and hears what all let pass together.

Ten times a second, in one round trip for all buckets, and never while a request waits. So replicas can together let
pass a little more than a bucket holds, as much as comes in a tenth of a second, and it is paid back: the bucket stays
shut for as long. While Valkey is away each replica allows half of everything.
"""

import asyncio
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.rate_limits import Buckets, RateLimits
from servicekit.logs import get_logger

EVERY_SECONDS: Final = 0.1
AT_ONCE: Final = 1000  # buckets in one script

# For each key, the seconds that what was taken needs to fill again; answers after how many seconds each bucket is full.
# A number in Lua becomes an integer on its way out, so microseconds are counted. The server's clock is the only one.
_TAKE: Final = """
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
local answers = {}
for i, key in ipairs(KEYS) do
  local full_at = math.max(tonumber(redis.call('GET', key) or 0), now) + tonumber(ARGV[i])
  redis.call('SET', key, string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000) + 1)
  answers[i] = full_at - now
end
return answers
"""

log = get_logger(__name__)


class SharedLimits:
    """Keeps ``limits`` in step with the other replicas."""

    def __init__(self, limits: RateLimits, redis: Redis) -> None:
        self._limits = limits
        self._take = redis.register_script(_TAKE)
        limits.set_sharing(shares=True, strict=False)

    async def run(self) -> None:
        """Tell and hear, for ever."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            await self.share()

    async def share(self) -> None:
        """Tell and hear once."""
        entries = [
            (buckets, key, count)
            for buckets, taken in self._limits.unshared()
            for key, count in taken.items()
        ]  # fmt: skip
        try:
            for start in range(0, len(entries), AT_ONCE):
                await self._exchange(entries[start : start + AT_ONCE])
        except (RedisError, OSError) as error:
            self._set_strict(strict=True, reason=type(error).__name__)
        else:
            if entries:
                self._set_strict(strict=False)

    async def _exchange(self, entries: list[tuple[Buckets, bytes, int]]) -> None:
        keys = [
            b"gateway:limit:%b:%b" % (buckets.policy.name.encode(), key.hex().encode()) for buckets, key, _ in entries
        ]
        costs = [round(count * 1e6 / buckets.policy.per_second) for buckets, _, count in entries]
        answers = await self._take(keys=keys, args=costs)
        for (buckets, key, _), micros in zip(entries, answers, strict=True):
            buckets.settle(key, micros / 1e6)

    def _set_strict(self, *, strict: bool, reason: str = "") -> None:
        if strict == self._limits.strict:
            return
        if strict:
            log.warning("limits.alone", error=reason, detail="Valkey is away: each replica allows half of everything")
        else:
            log.info("limits.shared")
        self._limits.set_sharing(shares=True, strict=strict)
