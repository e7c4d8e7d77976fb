"""Decisions that a reviewer may still take back: they wait in Valkey for some seconds, then this process or another one
sends them to the API. Nothing depends on the browser any more, so closing the tab loses nothing. See ADR 0021.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import cast

import httpx
import msgspec
from cryptography.exceptions import InvalidTag
from redis.asyncio import Redis
from redis.exceptions import RedisError

from servicekit.logs import get_logger
from web.api import Api, ApiAway, ApiProblem, Browser
from web.errors import SignInNeeded
from web.renewal import Renewals, SessionTokens
from web.sealing import Seal
from web.sessions import Sessions

VALUES, WAITING, SENDING = "web:held", "web:held:waiting", "web:held:sending"
RETRY_SECONDS = 15  # a process that died while it sent is followed by another one; the key makes it one decision
GIVE_UP_SECONDS = 900
REFUSALS_SECONDS = 86_400
LOOK_EVERY_SECONDS = 0.5

# Each script is one step for Valkey, so an undo and a send can't both win.
_HOLD = """
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('ZADD', KEYS[2], redis.call('TIME')[1] + ARGV[3], ARGV[1])
return 1"""
_UNDO = """
if redis.call('ZREM', KEYS[2], ARGV[1]) == 0 then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[1])"""
_TAKE = """
local now = redis.call('TIME')[1]
local taken = {}
for _, set in ipairs({KEYS[2], KEYS[3]}) do
  for _, id in ipairs(redis.call('ZRANGE', set, '-inf', now, 'BYSCORE')) do table.insert(taken, id) end
end
for place, id in ipairs(ARGV) do
  if place > 1 and redis.call('ZSCORE', KEYS[2], id) then table.insert(taken, id) end
end
local found = {}
for _, id in ipairs(taken) do
  redis.call('ZREM', KEYS[2], id)
  redis.call('ZADD', KEYS[3], now + ARGV[1], id)
  table.insert(found, {id, redis.call('HGET', KEYS[1], id) or ''})
end
return found"""
_FORGET = """
redis.call('ZREM', KEYS[3], ARGV[1])
return redis.call('HDEL', KEYS[1], ARGV[1])"""

log = get_logger(__name__)


class Held(msgspec.Struct, frozen=True):
    """A decision on its way. Those of one click share a ``batch``."""

    user_id: str
    task_id: str
    app_name: str
    batch: str
    decision: dict[str, str]
    cookie_id: str  # the session in whose name it is sent
    held_at: float  # Unix time

    @property
    def id(self) -> str:
        """One decision of a reviewer on a task at a time: a double click is one click."""
        return f"{self.user_id}:{self.task_id}"

    @property
    def key(self) -> str:
        """The idempotency key: however often it is sent, it is one decision."""
        return f"{self.batch}:{self.task_id}"


class Refusal(msgspec.Struct, frozen=True):
    """A decision that the API did not take."""

    app_name: str
    code: str


class HeldDecisions:
    """Holds, takes back, sends. Every method raises redis.RedisError or OSError when Valkey is away."""

    def __init__(
        self, redis: Redis, sessions: Sessions, renewals: Renewals, http: httpx.AsyncClient, seal: Seal, seconds: int
    ) -> None:
        self._redis = redis
        self._sessions = sessions
        self._renewals = renewals
        self._http = http
        self._seal = seal
        self.seconds = seconds
        self._hold = redis.register_script(_HOLD)
        self._undo = redis.register_script(_UNDO)
        self._take = redis.register_script(_TAKE)
        self._forget = redis.register_script(_FORGET)

    async def hold(self, held: Held) -> None:
        """Keep a decision for a while. A second one on the same task changes nothing."""
        sealed = self._seal.close(held.id, msgspec.json.encode(held))
        await self._hold(keys=[VALUES, WAITING], args=[held.id, sealed, self.seconds])

    async def undo(self, user_id: str, batch: str) -> list[Held]:
        """Take the decisions of one click back. Those that are on their way to the API already are not among them."""
        mine = [held for held in await self.of(user_id) if held.batch == batch]
        return [held for held in mine if await self._undo(keys=[VALUES, WAITING], args=[held.id])]

    async def of(self, user_id: str) -> list[Held]:
        """Somebody's decisions that are not sent yet, the newest first."""
        values = await cast("Awaitable[dict[bytes, bytes]]", self._redis.hgetall(VALUES))
        mine = [self._open(name.decode(), value) for name, value in values.items() if name.startswith(user_id.encode())]
        return sorted((held for held in mine if held), key=lambda held: held.held_at, reverse=True)

    async def refusals(self, user_id: str) -> list[Refusal]:
        """What the API did not take since this was last asked."""
        name = _refusals(user_id)
        async with self._redis.pipeline(transaction=True) as both:
            both.lrange(name, 0, -1)
            both.delete(name)
            found, _ = await both.execute()
        return [msgspec.json.decode(refusal, type=Refusal) for refusal in found]

    async def send_all_of(self, user_id: str) -> None:
        """Send at once what somebody has decided: afterwards nobody could send it in their name."""
        await self._send_taken([held.id for held in await self.of(user_id)])

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """Send what is due, as long as this context lasts; what is on its way at its end arrives."""
        over = asyncio.Event()
        sender = asyncio.create_task(self._send_until(over))
        try:
            yield
        finally:
            over.set()
            await sender

    async def _send_until(self, over: asyncio.Event) -> None:
        while not over.is_set():
            try:
                await self._send_taken([])
            except (RedisError, OSError) as error:
                log.warning("held_decisions.valkey_away", cause=type(error).__name__)
            except Exception:
                log.exception("held_decisions.failed")
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), LOOK_EVERY_SECONDS)

    async def _send_taken(self, early: Sequence[str]) -> None:
        keys = [VALUES, WAITING, SENDING]
        for name, value in await self._take(keys=keys, args=[RETRY_SECONDS, *early]):
            held = self._open(name.decode(), value)
            if held is None or await self._send(held):
                await self._forget(keys=keys, args=[name])

    async def _send(self, held: Held) -> bool:
        """Whether it is settled, one way or the other."""
        session = await self._sessions.read(held.cookie_id)
        if session is None:
            await self._refused(held, "session-ended")
            return True
        browser = Browser(f"held-{held.batch}"[:128], "")
        try:
            tokens = SessionTokens(self._renewals, held.cookie_id, session, browser)
            await Api(self._http, browser, tokens).reviews.decide(held.task_id, held.key, held.decision)
        except ApiProblem as problem:
            await self._refused(held, problem.code)
        except SignInNeeded:
            await self._refused(held, "session-ended")
        except ApiAway as error:
            log.warning("held_decisions.api_away", cause=str(error))
            if time.time() - held.held_at < GIVE_UP_SECONDS:
                return False
            await self._refused(held, "api-away")
        return True

    async def _refused(self, held: Held, code: str) -> None:
        log.info("held_decisions.refused", code=code, task_id=held.task_id)
        name = _refusals(held.user_id)
        async with self._redis.pipeline(transaction=True) as both:
            both.rpush(name, msgspec.json.encode(Refusal(held.app_name, code)))
            both.expire(name, REFUSALS_SECONDS)
            await both.execute()

    def _open(self, name: str, sealed: bytes) -> Held | None:
        with suppress(InvalidTag, ValueError):  # sealed with another secret, or in a form of before
            return msgspec.json.decode(self._seal.open(name, sealed), type=Held)
        return None


def _refusals(user_id: str) -> str:
    return f"web:refused:{user_id}"
