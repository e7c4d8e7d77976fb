"""Access tokens: Ed25519 JWTs of type ``at+jwt`` (RFC 9068), checked by every service for itself.

One algorithm is accepted, keys come from our own table by ``kid``, and what a token header says about keys
(``jku``, ``jwk``, ``x5u``) is never looked at (RFC 8725).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Container, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from servicekit.logs import get_logger
from servicekit.problems import InvalidToken, Unavailable
from servicekit.settings import TokenSettings

ALGORITHM = "EdDSA"
TOKEN_TYPE = "at+jwt"  # noqa: S105 - the media type of RFC 9068
REQUIRED_CLAIMS = ["iss", "aud", "exp", "iat", "jti", "sub", "sid"]
CACHE_SIZE = 10_000
REFETCH_SECONDS = 60.0
RETRY_SECONDS = 0.2
CLOCK_LEEWAY_SECONDS = 5

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. ``email_verified`` may lag behind by the life of a token."""

    user_id: UUID
    session_id: UUID
    roles: frozenset[str]
    email_verified: bool
    expires_at: float


class KeySource(Protocol):
    """Where public keys come from."""

    async def key(self, kid: str) -> Ed25519PublicKey | None:
        """The key of this id, or None. Raises Unavailable when keys can't be had at all."""


@dataclass(frozen=True)
class StaticKeys:
    """A fixed table of keys: for the service that owns them, and for tests."""

    keys: Mapping[str, Ed25519PublicKey]

    async def key(self, kid: str) -> Ed25519PublicKey | None:
        """The key of this id, or None."""
        return self.keys.get(kid)


class JwksKeys:
    """Keys from the auth service's JWKS (RFC 7517); an unknown ``kid`` asks again at most once a minute.

    When auth does not answer, it is asked again soon. All wait for the same answer: a lock would let
    them through one by one, which took seconds after a start under load.
    """

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self._url = url
        self._client = client
        self._keys: dict[str, Ed25519PublicKey] = {}
        self._next_fetch = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    async def key(self, kid: str) -> Ed25519PublicKey | None:
        """The key of this id, or None. Raises Unavailable when auth never answered yet."""
        if kid not in self._keys:
            await self._ask()
            if not self._keys:
                raise Unavailable("The keys that check access tokens can't be had at the moment.")
        return self._keys.get(kid)

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[None]:
        """Ask in the background until auth has answered once: so its keys are here when it is away later."""
        task = asyncio.create_task(self._ask_until_answered(), name="jwks-at-start")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _ask_until_answered(self) -> None:
        while not self._keys:
            await self._ask()
            await asyncio.sleep(RETRY_SECONDS)

    async def _ask(self) -> None:
        if self._fetching is None and time.monotonic() >= self._next_fetch:
            self._fetching = asyncio.create_task(self._fetch(), name="jwks")
        if self._fetching is not None:
            await asyncio.shield(self._fetching)

    async def _fetch(self) -> None:
        try:
            response = await self._client.get(self._url)
            self._keys = _key_table(response.raise_for_status().json())
            self._next_fetch = time.monotonic() + REFETCH_SECONDS
        except (httpx.HTTPError, ValueError, TypeError, LookupError, AttributeError, jwt.PyJWTError) as error:
            log.warning("jwks.unreachable", error=type(error).__name__)
            self._next_fetch = time.monotonic() + RETRY_SECONDS
        finally:
            self._fetching = None


def _key_table(document: Any) -> dict[str, Ed25519PublicKey]:
    return {entry["kid"]: key for entry in document["keys"] if (key := _public_key(entry)) is not None}


def _public_key(entry: Mapping[str, Any]) -> Ed25519PublicKey | None:
    if entry.get("kty") != "OKP" or entry.get("crv") != "Ed25519" or "kid" not in entry:
        return None
    key = jwt.PyJWK.from_dict(dict(entry), algorithm=ALGORITHM).key
    return key if isinstance(key, Ed25519PublicKey) else None


class TokenVerifier:
    """Checks access tokens. A good one is remembered until it expires, as its signature costs 0.13 ms to check.

    Whether its session is among the ``revoked`` ones is looked up each time.
    """

    def __init__(self, keys: KeySource, settings: TokenSettings, revoked: Container[UUID] = frozenset()) -> None:
        self._keys = keys
        self._revoked = revoked
        self._issuer = settings.token_issuer
        self._audience = settings.token_audience
        self._known: dict[str, Principal] = {}

    def remembered(self, token: str) -> Principal | None:
        """The principal of a token that was found valid before and still is; None: only ``verify`` can tell."""
        known = self._known.get(token)
        if known is None or known.expires_at <= time.time() or known.session_id in self._revoked:
            return None
        return known

    async def verify(self, token: str) -> Principal:
        """The principal of a valid token. Raises InvalidToken for every other one."""
        principal = await self._checked(token)
        if principal.session_id in self._revoked:
            raise InvalidToken
        return principal

    async def _checked(self, token: str) -> Principal:
        known = self._known.get(token)
        if known is not None:
            if known.expires_at > time.time():
                return known
            del self._known[token]
        principal = _principal(await self._claims(token))
        if len(self._known) >= CACHE_SIZE:
            self._known.pop(next(iter(self._known)))
        self._known[token] = principal
        return principal

    async def _claims(self, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError as error:
            raise InvalidToken from error
        if header.get("typ") != TOKEN_TYPE or header.get("alg") != ALGORITHM or "crit" in header:
            raise InvalidToken
        key = await self._keys.key(str(header.get("kid")))
        if key is None:
            raise InvalidToken
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=self._audience,
                issuer=self._issuer,
                leeway=CLOCK_LEEWAY_SECONDS,
                options={"require": REQUIRED_CLAIMS, "strict_aud": True},
            )
        except jwt.PyJWTError as error:
            raise InvalidToken from error
        return claims


def _principal(claims: Mapping[str, Any]) -> Principal:
    roles = claims.get("roles")
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise InvalidToken
    try:
        return Principal(
            user_id=UUID(claims["sub"]),
            session_id=UUID(claims["sid"]),
            roles=frozenset(roles),
            email_verified=claims.get("email_verified") is True,
            expires_at=float(claims["exp"]),
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidToken from error
