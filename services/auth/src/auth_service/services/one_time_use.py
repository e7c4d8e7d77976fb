"""Checking codes of the second factor, each of which works once."""

import hmac
import os
import time
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.one_time_codes import matching_step, plain_code
from auth_service.repositories.second_factors import SecondFactorRepository
from auth_service.services.opaque_tokens import derive_key

NONCE_BYTES = 12


class Codes:
    """Seals secrets and checks codes. A code works once."""

    def __init__(self, secret: SecretStr) -> None:
        self._cipher = AESGCM(derive_key(secret, "auth: totp secrets"))
        self._recovery_key = derive_key(secret, "auth: recovery codes")

    def seal(self, account_id: UUID, shared: bytes) -> bytes:
        """The shared secret as it rests in the database, bound to its account."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, shared, account_id.bytes)

    def hash_of(self, recovery_code: str) -> bytes:
        """What is kept of a recovery code."""
        return hmac.digest(self._recovery_key, plain_code(recovery_code).encode(), "sha256")

    async def use(self, session: AsyncSession, account_id: UUID, typed: str, *, recovery: bool) -> str | None:
        """Spend a code: ``totp`` or ``recovery-code``, or None when it is not a good one, or not any more."""
        factors = SecondFactorRepository(session)
        sealed = await factors.sealed_secret(account_id)
        if sealed is None:
            return None
        shared = self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], account_id.bytes)
        code = plain_code(typed)
        step = matching_step(shared, code, time.time())
        if step is not None:
            return "totp" if await factors.use_step(account_id, step) else None
        used = recovery and await factors.use_recovery_code(account_id, self.hash_of(code))
        return "recovery-code" if used else None
