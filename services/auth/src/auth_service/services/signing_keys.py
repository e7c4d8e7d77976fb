"""The Ed25519 keys that sign access tokens. Private halves rest encrypted in the database."""

import base64
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import jwt
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from auth_service.models import SigningKey
from auth_service.repositories.signing_keys import SigningKeyRepository
from auth_service.services.opaque_tokens import derive_key
from servicekit.db import Database
from servicekit.tokens import ALGORITHM, TOKEN_TYPE

NONCE_BYTES = 12


class WrongSigningKeySecret(RuntimeError):
    """The secret is not the one that the stored keys were encrypted with."""


class SigningKeys:
    """The keys in memory, once ``load`` has run. A key source for this service's own token verifier."""

    def __init__(self, secret: SecretStr) -> None:
        self._cipher = AESGCM(derive_key(secret, "auth: signing keys"))
        self._public: dict[str, Ed25519PublicKey] = {}
        self._jwks: list[dict[str, str]] = []
        self._kid = ""
        self._private: Ed25519PrivateKey | None = None

    async def load(self, database: Database) -> None:
        """Read the keys, and make the first one when there is none.

        Raises:
            WrongSigningKeySecret: AUTH_SIGNING_KEY_SECRET has changed.
        """
        async with database.transaction() as session:
            repository = SigningKeyRepository(session)
            await repository.lock()  # replicas that start together must agree on one key
            keys = await repository.not_retired()
            if not any(key.active for key in keys):
                await repository.add_active(*self._new_key())
                keys = await repository.not_retired()
        self._take(keys)

    async def key(self, kid: str) -> Ed25519PublicKey | None:
        """The public key of this id, or None."""
        return self._public.get(kid)

    def jwks(self) -> list[dict[str, str]]:
        """The public keys as JWKs (RFC 7517, RFC 8037)."""
        return [{**jwk, "use": "sig", "alg": ALGORITHM} for jwk in self._jwks]

    def sign(self, claims: Mapping[str, Any]) -> str:
        """An access token with these claims."""
        if self._private is None:
            raise RuntimeError("the signing keys were never loaded")
        return jwt.encode(
            dict(claims), self._private, algorithm=ALGORITHM, headers={"typ": TOKEN_TYPE, "kid": self._kid}
        )

    def _take(self, keys: Sequence[SigningKey]) -> None:
        for key in keys:
            self._public[key.kid] = _public_key(key.public_jwk)
            self._jwks.append({**key.public_jwk, "kid": key.kid})
            if key.active:
                self._kid, self._private = key.kid, self._decrypt(key)

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


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _public_key(jwk: Mapping[str, str]) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(jwk["x"] + "="))


def _thumbprint(jwk: Mapping[str, str]) -> str:
    """The key's id: its RFC 7638 thumbprint."""
    canonical = json.dumps({name: jwk[name] for name in ("crv", "kty", "x")}, separators=(",", ":"), sort_keys=True)
    return _base64url(hashlib.sha256(canonical.encode()).digest())
