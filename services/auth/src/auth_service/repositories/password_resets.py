"""Requests for a new password, and the links that allow one."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from auth_service.models import Account, PasswordReset, PasswordResetRequest

BATCH = 20


class PasswordResetRepository:
    """SQL on resets, within the session's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def request(self, email: str) -> None:
        """Keep the wish for a mail to this address, whether or not it is known."""
        await self._session.execute(insert(PasswordResetRequest).values(email=email))

    async def take_requests(self) -> Sequence[str]:
        """Some of the addresses that wait for a mail; they wait no more once the transaction commits."""
        waiting = (
            select(col(PasswordResetRequest.id))
            .order_by(col(PasswordResetRequest.id))
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        taken = (
            delete(PasswordResetRequest)
            .where(col(PasswordResetRequest.id).in_(waiting))
            .returning(col(PasswordResetRequest.email))
        )
        return (await self._session.execute(taken)).scalars().all()

    async def add(self, account_id: UUID, token_hash: bytes, life: timedelta) -> None:
        """Keep a link's hash for as long as it is to work."""
        await self._session.execute(
            insert(PasswordReset).values(account_id=account_id, token_hash=token_hash, expires_at=func.now() + life)
        )

    async def account_of(self, token_hash: bytes) -> Account | None:
        """The account that the link is for, or None when it does not work."""
        statement = (
            select(Account)
            .join(PasswordReset, col(PasswordReset.account_id) == col(Account.id))
            .where(
                col(PasswordReset.token_hash) == token_hash,
                col(PasswordReset.expires_at) > func.now(),
                col(Account.disabled_at).is_(None),
                col(Account.deleted_at).is_(None),
            )
        )
        return (await self._session.execute(statement)).scalar_one_or_none()

    async def spend(self, token_hash: bytes) -> bool:
        """Spend the link; False when somebody was quicker."""
        spent = (
            delete(PasswordReset)
            .where(col(PasswordReset.token_hash) == token_hash)
            .returning(col(PasswordReset.token_hash))
        )
        return (await self._session.execute(spent)).scalar_one_or_none() is not None

    async def withdraw(self, account_id: UUID) -> None:
        """Let no link of the account work any more."""
        await self._session.execute(delete(PasswordReset).where(col(PasswordReset.account_id) == account_id))
