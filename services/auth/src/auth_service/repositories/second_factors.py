"""Shared secrets of authenticator apps, recovery codes, and sign-ins that wait for one of them."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from auth_service.models import Account, MfaChallenge, RecoveryCode, Totp


class SecondFactorRepository:
    """SQL on second factors, within the session's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def propose(self, account_id: UUID, sealed: bytes) -> None:
        """Keep a secret that is not in use yet, in the place of an older one."""
        values = {"secret": sealed, "last_step": 0, "created_at": func.now()}
        statement = upsert(Totp).values(account_id=account_id, **values)
        await self._session.execute(statement.on_conflict_do_update(index_elements=[col(Totp.account_id)], set_=values))

    async def sealed_secret(self, account_id: UUID) -> bytes | None:
        """The sealed secret, in use or proposed."""
        statement = select(col(Totp.secret)).where(col(Totp.account_id) == account_id)
        return (await self._session.execute(statement)).scalar_one_or_none()

    async def use_step(self, account_id: UUID, step: int) -> bool:
        """Spend the code of a period and of all before it; False when it was spent. Of parallel callers one gets it."""
        statement = (
            update(Totp)
            .where(col(Totp.account_id) == account_id, col(Totp.last_step) < step)
            .values(last_step=step)
            .returning(col(Totp.account_id))
        )
        return (await self._session.execute(statement)).scalar_one_or_none() is not None

    async def use_recovery_code(self, account_id: UUID, code_hash: bytes) -> bool:
        """Spend a recovery code; False when it is unknown or spent."""
        statement = (
            update(RecoveryCode)
            .where(
                col(RecoveryCode.account_id) == account_id,
                col(RecoveryCode.code_hash) == code_hash,
                col(RecoveryCode.spent_at).is_(None),
            )
            .values(spent_at=func.now())
            .returning(col(RecoveryCode.account_id))
        )
        return (await self._session.execute(statement)).scalar_one_or_none() is not None

    async def enable(self, account_id: UUID, code_hashes: Sequence[bytes]) -> None:
        """Ask for the factor from now on, and keep new recovery codes."""
        await self._switch(account_id, enabled=True)
        rows = [{"account_id": account_id, "code_hash": code_hash} for code_hash in code_hashes]
        await self._session.execute(insert(RecoveryCode).values(rows))

    async def disable(self, account_id: UUID) -> None:
        """Ask for the factor no more, and forget all about it."""
        await self._switch(account_id, enabled=False)
        await self._session.execute(delete(Totp).where(col(Totp.account_id) == account_id))
        await self._session.execute(delete(MfaChallenge).where(col(MfaChallenge.account_id) == account_id))

    async def _switch(self, account_id: UUID, *, enabled: bool) -> None:
        await self._session.execute(update(Account).where(col(Account.id) == account_id).values(mfa_enabled=enabled))
        await self._session.execute(delete(RecoveryCode).where(col(RecoveryCode.account_id) == account_id))

    async def add_challenge(self, account_id: UUID, token_hash: bytes, life: timedelta) -> None:
        """Keep the hash of the token of somebody who has shown the password."""
        await self._session.execute(
            insert(MfaChallenge).values(account_id=account_id, token_hash=token_hash, expires_at=func.now() + life)
        )

    async def challenged(self, token_hash: bytes) -> UUID | None:
        """The account that the token is for, or None."""
        statement = select(col(MfaChallenge.account_id)).where(
            col(MfaChallenge.token_hash) == token_hash, col(MfaChallenge.expires_at) > func.now()
        )
        return (await self._session.execute(statement)).scalar_one_or_none()

    async def spend_challenge(self, token_hash: bytes) -> bool:
        """Spend the token; False when somebody was quicker."""
        statement = (
            delete(MfaChallenge)
            .where(col(MfaChallenge.token_hash) == token_hash)
            .returning(col(MfaChallenge.account_id))
        )
        return (await self._session.execute(statement)).scalar_one_or_none() is not None
