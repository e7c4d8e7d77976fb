"""Sessions on the server side: the browser has a random id, Valkey has the tokens, encrypted, under the id's hash.

A copy of Valkey's memory therefore holds neither an id that a browser could send nor a token.
"""

import hashlib
import secrets
from typing import TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from redis.asyncio import Redis

from web.sealing import Seal

STEP_SECONDS = 300  # as long as the API waits for the code after the password

Kind = TypeVar("Kind")


class Session(msgspec.Struct, frozen=True):
    """Who is signed in, and with which tokens."""

    user_id: str
    name: str
    email_verified: bool
    roles: list[str]
    access_token: str
    refresh_token: str
    expires_at: float  # of the access token, Unix time


class SignInStep(msgspec.Struct, frozen=True):
    """The password was right, and a code is needed too."""

    mfa_token: str
    next: str


class TotpStep(msgspec.Struct, frozen=True):
    """A second factor that has been proposed and waits for its first code."""

    secret: str
    otpauth_uri: str


Step = SignInStep | TotpStep
SomeStep = TypeVar("SomeStep", SignInStep, TotpStep)


def new_id() -> str:
    """256 random bits for a cookie."""
    return secrets.token_urlsafe(32)


class Sessions:
    """Reads and writes sessions by cookie id. Every method raises redis.RedisError or OSError when Valkey is away."""

    def __init__(self, redis: Redis, secret: str, *, idle_seconds: int) -> None:
        self._redis = redis
        self._sealed = Seal(secret, "web session")
        self._idle_seconds = idle_seconds

    async def read(self, cookie_id: str) -> Session | None:
        """The session, which lives on for another idle period; None when there is none (any more)."""
        key = _key(cookie_id)
        sealed = await self._redis.getex(key, ex=self._idle_seconds)
        return None if sealed is None else self._open(key, sealed, Session)

    async def create(self, cookie_id: str, session: Session) -> None:
        """Keep a session under a new id."""
        key = _key(cookie_id)
        await self._redis.set(key, self._seal(key, session), ex=self._idle_seconds)

    async def replace(self, cookie_id: str, session: Session) -> None:
        """Change a session that is still there: one that was ended meanwhile stays ended."""
        key = _key(cookie_id)
        await self._redis.set(key, self._seal(key, session), ex=self._idle_seconds, xx=True)

    async def keep_step(self, cookie_id: str, step: Step) -> None:
        """Remember something half done for a few minutes."""
        key = _step_key(cookie_id, type(step))
        await self._redis.set(key, self._seal(key, step), ex=STEP_SECONDS)

    async def read_step(self, cookie_id: str, kind: type[SomeStep]) -> SomeStep | None:
        """It, if it is not too long ago."""
        key = _step_key(cookie_id, kind)
        sealed = await self._redis.get(key)
        return None if sealed is None else self._open(key, sealed, kind)

    async def end_step(self, cookie_id: str, kind: type[Step]) -> None:
        """Forget it. Harmless when there is none."""
        await self._redis.delete(_step_key(cookie_id, kind))

    async def end(self, cookie_id: str) -> None:
        """Forget a session. Harmless when there is none."""
        await self._redis.delete(_key(cookie_id))

    async def ping(self) -> None:
        """Raises when Valkey does not answer."""
        await self._redis.ping()

    def _seal(self, key: str, content: Session | Step) -> bytes:
        return self._sealed.close(key, msgspec.json.encode(content))

    def _open(self, key: str, sealed: bytes, kind: type[Kind]) -> Kind | None:
        try:
            return msgspec.json.decode(self._sealed.open(key, sealed), type=kind)
        except (InvalidTag, ValueError):  # another secret, or a form of before: signing in again mends both
            return None


def _key(cookie_id: str) -> str:
    return "web:session:" + hashlib.sha256(cookie_id.encode()).hexdigest()


def _step_key(cookie_id: str, kind: type[Step]) -> str:
    return f"web:{kind.__name__}:" + hashlib.sha256(cookie_id.encode()).hexdigest()
