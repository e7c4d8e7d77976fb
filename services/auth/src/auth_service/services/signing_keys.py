"""The Ed25519 keys that sign access tokens. Private halves rest encrypted in the database."""

import asyncio
import base64
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import zip_longest
from typing import Any

import jwt
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from auth_service.models import SigningKey
from auth_service.repositories.audit import AuditRepository
from auth_service.repositories.signing_keys import SigningKeyRepository
from auth_service.services.opaque_tokens import derive_key
from servicekit.db import Database
from servicekit.logs import get_logger
from servicekit.tokens import ALGORITHM, TOKEN_TYPE

NONCE_BYTES = 12
ACCESS_TOKEN_SECONDS = 600
RELOAD_SECONDS = 10.0
# Longer than anybody keeps our key set: services ask again after a minute, others after the five that its cache
# headers allow.
LEAD = timedelta(minutes=10)
# Every token of a key has expired this long after its successor began to sign, with a minute for clocks that differ.
OVERLAP = timedelta(seconds=ACCESS_TOKEN_SECONDS + 60)

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Signer:
    kid: str
    signs_from: datetime
    private: Ed25519PrivateKey


class WrongSigningKeySecret(RuntimeError):
    """The secret is not the one that the stored keys were encrypted with."""


class RotationUnderWay(RuntimeError):
    """The next key is published already."""


class KeyState(StrEnum):
    """What a key is good for at the moment."""

    NEXT = "published, signs later"
    SIGNING = "signing"
    VERIFYING = "verifying until its tokens have expired"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """A key in the list for operators."""

    kid: str
    signs_from: datetime
    state: KeyState


class SigningKeys:
    """The keys in memory, once ``load`` has run. A key source for this service's own token verifier.

    A new key is published long before it signs, so that everybody has it by then; the one before it verifies until the
    last token that it signed has expired. So a rotation is seen by nobody.
    """

    def __init__(self, secret: SecretStr) -> None:
        self._cipher = AESGCM(derive_key(secret, "auth: signing keys"))
        self._public: dict[str, Ed25519PublicKey] = {}
        self._jwks: list[dict[str, str]] = []
        self._signers: list[_Signer] = []

    async def load(self, database: Database) -> None:
        """Read the keys, and make the first one when there is none.

        Raises:
            WrongSigningKeySecret: AUTH_SIGNING_KEY_SECRET has changed.
        """
        async with database.transaction() as session:
            repository = SigningKeyRepository(session)
            keys = await repository.all()
            if not keys:
                await repository.lock()  # replicas that start together must agree on one key
                if not await repository.all():
                    await repository.add(*self._new_key(), lead=timedelta(0), first=True)
                keys = await repository.all()
        self._take(keys)

    async def follow(self, database: Database) -> None:
        """Read the keys again for ever, to learn of a rotation long before the new key signs."""
        while True:
            await asyncio.sleep(RELOAD_SECONDS)
            try:
                await self.load(database)
            except Exception as error:  # noqa: BLE001 - the database may be away; the known keys go on
                log.warning("keys.not_reloaded", error=type(error).__name__)

    async def rotate(self, database: Database, *, lead: timedelta = LEAD) -> str:
        """Publish a new key that signs once ``lead`` has passed. Returns its id.

        Raises:
            RotationUnderWay: there is one already that does not sign yet.
        """
        async with database.transaction() as session:
            repository = SigningKeyRepository(session)
            await repository.lock()
            keys = await repository.all()
            for key in keys:
                self._decrypt(key)  # a key made with another secret would stop every replica
            if any(status.state is KeyState.NEXT for status in statuses(keys)):
                raise RotationUnderWay
            kid, jwk, sealed = self._new_key()
            await repository.add(kid, jwk, sealed, lead=lead, first=not keys)
            await AuditRepository(session).add("keys.rotated", user_id=None, kid=kid)
        return kid

    async def key(self, kid: str) -> Ed25519PublicKey | None:
        """The public key of this id, or None."""
        return self._public.get(kid)

    def jwks(self) -> list[dict[str, str]]:
        """The public keys as JWKs (RFC 7517, RFC 8037)."""
        return [{**jwk, "use": "sig", "alg": ALGORITHM} for jwk in self._jwks]

    def sign(self, claims: Mapping[str, Any]) -> str:
        """An access token with these claims."""
        if not self._signers:
            raise RuntimeError("the signing keys were never loaded")
        now = datetime.now(UTC)
        signer = next((signer for signer in reversed(self._signers) if signer.signs_from <= now), self._signers[0])
        headers = {"typ": TOKEN_TYPE, "kid": signer.kid}
        return jwt.encode(dict(claims), signer.private, algorithm=ALGORITHM, headers=headers)

    def _take(self, keys: Sequence[SigningKey]) -> None:
        retired = {status.kid for status in statuses(keys) if status.state is KeyState.RETIRED}
        living = [key for key in keys if key.kid not in retired]
        self._signers = [_Signer(key.kid, key.signs_from, self._decrypt(key)) for key in living]
        self._public = {key.kid: _public_key(key.public_jwk) for key in living}
        self._jwks = [{**key.public_jwk, "kid": key.kid} for key in living]

    def _new_key(self) -> tuple[str, dict[str, str], bytes]:
        private = Ed25519PrivateKey.generate()
        jwk = {"kty": "OKP", "crv": "Ed25519", "x": _base64url(private.public_key().public_bytes_raw())}
        kid = _thumbprint(jwk)
        nonce = os.urandom(NONCE_BYTES)
        return kid, jwk, nonce + self._cipher.encrypt(nonce, private.private_bytes_raw(), kid.encode())

    def _decrypt(self, key: SigningKey) -> Ed25519PrivateKey:
        nonce, sealed = key.private_key[:NONCE_BYTES], key.private_key[NONCE_BYTES:]
        try:
            return Ed25519PrivateKey.from_private_bytes(self._cipher.decrypt(nonce, sealed, key.kid.encode()))
        except InvalidTag as error:
            raise WrongSigningKeySecret(
                f"AUTH_SIGNING_KEY_SECRET does not open the signing key {key.kid}: set the secret it was made with"
            ) from error


def statuses(keys: Sequence[SigningKey]) -> list[KeyStatus]:
    """What each key is good for now. They come in the order in which they sign."""
    now = datetime.now(UTC)
    successors = [key.signs_from for key in keys[1:]]
    found = []
    for key, successor in zip_longest(keys, successors):
        if key.signs_from > now and key is not keys[0]:
            state = KeyState.NEXT
        elif successor is None or successor > now:
            state = KeyState.SIGNING
        else:
            state = KeyState.VERIFYING if successor + OVERLAP > now else KeyState.RETIRED
        found.append(KeyStatus(key.kid, key.signs_from, state))
    return found


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _public_key(jwk: Mapping[str, str]) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(jwk["x"] + "="))


def _thumbprint(jwk: Mapping[str, str]) -> str:
    """The key's id: its RFC 7638 thumbprint."""
    canonical = json.dumps({name: jwk[name] for name in ("crv", "kty", "x")}, separators=(",", ":"))
    return _base64url(hashlib.sha256(canonical.encode()).digest())
