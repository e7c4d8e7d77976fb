"""Tokens that mean nothing by themselves: 256 bits, of which the database keeps only the SHA-256."""

import base64
import hashlib
import hmac
import secrets

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
