"""Accounts and the links that prove their addresses."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, insert, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from auth_service.models import (
    Account,
    EmailVerification,
    LoginSession,
    MfaChallenge,
    PasswordReset,
    RecoveryCode,
    Totp,
)


class AccountRepository:
    """SQL on accounts, within the session's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(
        self, *, email: str, name: str, password_hash: str, roles: Sequence[str] = ("user",), verified: bool = False
    ) -> UUID | None:
        """The new account's id, or None when the address has one."""
        statement = (
            upsert(Account)
            .values(
                email=email,
                name=name,
                password_hash=password_hash,
                roles=list(roles),
                email_verified_at=func.now() if verified else None,
            )
            .on_conflict_do_nothing(index_elements=[col(Account.email)])
            .returning(col(Account.id))
        )
        return (await self._session.execute(statement)).scalar_one_or_none()

    async def get(self, account_id: UUID, *, for_update: bool = False) -> Account | None:
        """The account, or None, also when it was deleted."""
        statement = select(Account).where(col(Account.id) == account_id, col(Account.deleted_at).is_(None))
        if for_update:
            statement = statement.with_for_update(key_share=True)  # rows that refer to it need not wait
        return (await self._session.execute(statement)).scalar_one_or_none()

    async def by_email(self, email: str, *, for_update: bool = False) -> Account | None:
        """The account of a normalised address, or None."""
        statement = select(Account).where(col(Account.email) == email)
        if for_update:
            statement = statement.with_for_update(key_share=True)  # rows that refer to it need not wait
        return (await self._session.execute(statement)).scalar_one_or_none()

    async def set(self, account_id: UUID, *, name: str, roles: Sequence[str], password_hash: str) -> None:
        """Set what an operator decides; the address counts as verified."""
        await self._session.execute(
            update(Account)
            .where(col(Account.id) == account_id)
            .values(
                name=name,
                roles=list(roles),
                password_hash=password_hash,
                email_verified_at=func.coalesce(col(Account.email_verified_at), func.now()),
            )
        )

    async def rehash(self, account_id: UUID, password_hash: str) -> None:
        """Keep a newer hash of the same password."""
        await self._session.execute(
            update(Account).where(col(Account.id) == account_id).values(password_hash=password_hash)
        )

    async def replace_password(self, account_id: UUID, old_hash: str, new_hash: str) -> bool:
        """Set another password; False when the old one was replaced meanwhile."""
        statement = (
            update(Account)
            .where(col(Account.id) == account_id, col(Account.password_hash) == old_hash)
            .values(password_hash=new_hash)
            .returning(col(Account.id))
        )
        return (await self._session.execute(statement)).scalar_one_or_none() is not None

    async def reset_password(self, account_id: UUID, new_hash: str) -> None:
        """Set another password by a link, which proves the address too."""
        verified_at = func.coalesce(col(Account.email_verified_at), func.now())
        await self._session.execute(
            update(Account)
            .where(col(Account.id) == account_id)
            .values(password_hash=new_hash, email_verified_at=verified_at)
        )

    async def rename(self, account_id: UUID, name: str) -> Account | None:
        """The account with another name, or None when it is gone."""
        statement = (
            update(Account)
            .where(col(Account.id) == account_id, col(Account.deleted_at).is_(None))
            .values(name=name)
            .returning(Account)
        )
        return (await self._session.execute(statement)).scalar_one_or_none()

    async def page(self, *, words: str | None, before: UUID | None, limit: int) -> Sequence[Account]:
        """Accounts that are not deleted, newest first; with ``words`` those that have them in name or address."""
        statement = select(Account).where(col(Account.deleted_at).is_(None)).order_by(col(Account.id).desc())
        if words:
            found = (col(text_of).icontains(words, autoescape=True) for text_of in (Account.name, Account.email))
            statement = statement.where(or_(*found))
        if before is not None:
            statement = statement.where(col(Account.id) < before)
        return (await self._session.execute(statement.limit(limit))).scalars().all()

    async def administer(self, account_id: UUID, *, roles: Sequence[str], disabled: bool) -> Account:
        """The account with these roles, disabled or not."""
        statement = (
            update(Account)
            .where(col(Account.id) == account_id)
            .values(
                roles=list(roles),
                disabled_at=func.coalesce(col(Account.disabled_at), func.now()) if disabled else None,
            )
            .returning(Account)
            .execution_options(populate_existing=True)
        )
        return (await self._session.execute(statement)).scalar_one()

    async def lock_admins(self) -> None:
        """Let nobody else change who is an administrator, until the transaction ends."""
        await self._session.execute(text("SELECT pg_advisory_xact_lock(hashtext('admins'))"))

    async def has_other_admin(self, account_id: UUID) -> bool:
        """Whether somebody else could still administer. Ask under ``lock_admins``."""
        statement = select(col(Account.id)).where(
            col(Account.id) != account_id,
            col(Account.roles).contains(["admin"]),
            col(Account.disabled_at).is_(None),
            col(Account.deleted_at).is_(None),
        )
        return (await self._session.execute(statement.limit(1))).scalar_one_or_none() is not None

    async def anonymise(self, account_id: UUID) -> None:
        """Take everything personal out of the account. Its id stays, as other services' books refer to it."""
        await self._session.execute(
            update(Account)
            .where(col(Account.id) == account_id)
            .values(
                email=f"deleted-{account_id}@deleted.invalid",
                name="Deleted account",
                password_hash="!",  # noqa: S106 - no password has this hash
                roles=["user"],
                email_verified_at=None,
                mfa_enabled=False,
                deleted_at=func.now(),
            )
        )
        for table in (EmailVerification, PasswordReset, LoginSession, Totp, RecoveryCode, MfaChallenge):
            await self._session.execute(delete(table).where(col(table.account_id) == account_id))

    async def add_verification(self, account_id: UUID, token_hash: bytes, life: timedelta) -> None:
        """Keep a link's hash for as long as it is to work."""
        await self._session.execute(
            insert(EmailVerification).values(account_id=account_id, token_hash=token_hash, expires_at=func.now() + life)
        )

    async def spend_verification(self, token_hash: bytes) -> UUID | None:
        """Spend the link and mark its account's address as verified: the account's id, or None if it does not work."""
        spent = (
            update(EmailVerification)
            .where(
                col(EmailVerification.token_hash) == token_hash,
                col(EmailVerification.spent_at).is_(None),
                col(EmailVerification.expires_at) > func.now(),
            )
            .values(spent_at=func.now())
            .returning(col(EmailVerification.account_id))
        )
        account_id = (await self._session.execute(spent)).scalar_one_or_none()
        if account_id is not None:
            verified_at = func.coalesce(col(Account.email_verified_at), func.now())
            await self._session.execute(
                update(Account).where(col(Account.id) == account_id).values(email_verified_at=verified_at)
            )
        return account_id
