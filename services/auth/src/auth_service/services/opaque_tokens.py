"""Tokens that mean nothing by themselves: 256 bits, of which the database keeps only the SHA-256."""

import base64
import hashlib
import hmac
import secrets
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

TOKEN_BYTES = 32


def new_token() -> str:
    """A fresh token of 43 characters, safe in a URL."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def hash_of(token: str) -> bytes:
    """What is kept of a token. It is random, so a slow hash would add nothing."""
    return hashlib.sha256(token.encode()).digest()


def derive_key(secret: SecretStr, purpose: str) -> bytes:
    """A key of 256 bits for one purpose, from the service's one secret (RFC 5869)."""
    return HKDF(SHA256(), length=32, salt=None, info=purpose.encode()).derive(secret.get_secret_value().encode())


class RefreshChain:
    """Which refresh token follows which.

    The successor is computed from the spent token and a key of the server. So a client whose answer was lost can be
    given the same one again, while nothing that could be stolen is stored.
    """

    def __init__(self, secret: SecretStr) -> None:
        self._key = derive_key(secret, "auth: refresh successor")

    def successor(self, token: str) -> str:
        """The one token that follows ``token``."""
        digest = hmac.digest(self._key, token.encode(), "sha256")
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


class DeviceTokens:
    """Proofs that a device has signed in to an account before. They open no door: they only spare it a queue.

    A token is a random name and a keyed hash of the name and the account, so it is stored nowhere and is good for
    nothing on another account.
    """

    def __init__(self, secret: SecretStr) -> None:
        self._key = derive_key(secret, "auth: device tokens")

    def issue(self, account_id: UUID) -> str:
        """A token for a device that has just signed in to the account."""
        name = secrets.token_urlsafe(12)
        return f"{name}.{self._proof(name, account_id)}"

    def name_of(self, token: str | None, account_id: UUID) -> str | None:
        """The name of the device, or None when the token is not one of this account."""
        name, _, proof = (token or "").partition(".")
        good = proof.isascii() and hmac.compare_digest(proof, self._proof(name, account_id))
        return name if good else None

    def _proof(self, name: str, account_id: UUID) -> str:
        digest = hmac.digest(self._key, name.encode() + account_id.bytes, "sha256")
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")
