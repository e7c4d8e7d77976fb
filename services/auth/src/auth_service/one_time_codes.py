"""Codes of an authenticator app (RFC 6238: SHA-1, 30 seconds, 6 digits) and recovery codes."""

import base64
import hmac
import secrets
from urllib.parse import quote, urlencode

PERIOD_SECONDS = 30
DIGITS = 6
SECRET_BYTES = 20  # RFC 4226, section 4: the length of the hash
# A clock that is off by up to a period, and somebody who types slowly.
DRIFT = 1
RECOVERY_CODES = 10
RECOVERY_BYTES = 10


def new_secret() -> bytes:
    """A secret to share with an app."""
    return secrets.token_bytes(SECRET_BYTES)


def step_at(seconds: float) -> int:
    """The number of the period at this time."""
    return int(seconds // PERIOD_SECONDS)


def code_at(secret: bytes, step: int) -> str:
    """The code of a period (RFC 4226, section 5.3)."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0xF
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def matching_step(secret: bytes, code: str, seconds: float) -> int | None:
    """The newest period around now that has this code, or None."""
    now = step_at(seconds)
    matches = [
        step
        for step in range(now - DRIFT, now + DRIFT + 1)
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode())
    ]
    return matches[-1] if matches else None


def base32(secret: bytes) -> str:
    """The secret as apps want it typed."""
    return base64.b32encode(secret).decode().rstrip("=")


def otpauth_uri(secret: bytes, *, issuer: str, account: str) -> str:
    """What the QR code says (the key URI format that authenticator apps share)."""
    label = quote(f"{issuer}:{account}", safe="")
    parameters = {"secret": base32(secret), "issuer": issuer, "digits": DIGITS, "period": PERIOD_SECONDS}
    return f"otpauth://totp/{label}?{urlencode(parameters)}"


def new_recovery_codes() -> list[str]:
    """Codes of 80 random bits, in groups of four."""
    texts = [base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower() for _ in range(RECOVERY_CODES)]
    return ["-".join(text[start : start + 4] for start in range(0, len(text), 4)) for text in texts]


def plain_code(typed: str) -> str:
    """A code without the blanks, hyphens and capitals that people type."""
    return "".join(typed.split()).replace("-", "").lower()
