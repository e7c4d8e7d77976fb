"""Values that are kept outside of this process, encrypted and bound to the name under which they are kept."""

import hmac
import secrets

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12


def subkey(secret: str, purpose: str) -> bytes:
    """A key of its own for each purpose, so that one secret in the settings is enough."""
    return hmac.digest(secret.encode(), purpose.encode(), "sha256")


class Seal:
    """AES-GCM under a key of one purpose."""

    def __init__(self, secret: str, purpose: str) -> None:
        self._cipher = AESGCM(subkey(secret, purpose))

    def close(self, name: str, plain: bytes) -> bytes:
        """``plain`` sealed for ``name``."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, name.encode())

    def open(self, name: str, sealed: bytes) -> bytes:
        """The value. Raises InvalidTag when it was sealed for another name or with another secret."""
        return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], name.encode())
