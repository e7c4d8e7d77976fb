"""Accounts made from the command line or the environment: people who are trusted without a mail."""

from collections.abc import Iterable
from enum import StrEnum

from auth_service.models import ROLES, Account
from auth_service.repositories.accounts import AccountRepository
from auth_service.repositories.audit import AuditRepository
from auth_service.repositories.sessions import SessionRepository
from auth_service.services.accounts import acceptable
from auth_service.services.passwords import Passwords
from auth_service.services.sessions import REVOCATION_LIFE
from servicekit.db import Database


class Outcome(StrEnum):
    """What ``Staff.ensure`` found or did."""

    CREATED = "created"
    EXISTS = "exists already, not changed"
    UNCHANGED = "is just so already"
    UPDATED = "updated"


class Staff:
    """Makes and updates accounts with roles."""

    def __init__(self, database: Database, passwords: Passwords) -> None:
        self._database = database
        self._passwords = passwords

    async def ensure(
        self, *, email: str, name: str, password: str, roles: Iterable[str], update: bool = False
    ) -> Outcome:
        """A verified account with these roles and ``user``. One that exists is changed only with ``update``.

        Raises:
            WeakPassword: the rules for passwords hold here too.
        """
        secret = acceptable(password, email=email, name=name)
        wanted = [role for role in ROLES if role == "user" or role in set(roles)]
        password_hash = await self._passwords.hash(secret)
        async with self._database.transaction() as session:
            accounts = AccountRepository(session)
            account_id = await accounts.add(
                email=email, name=name, password_hash=password_hash, roles=wanted, verified=True
            )
        if account_id is not None:
            return Outcome.CREATED
        return await self._update(email, name, secret, wanted) if update else Outcome.EXISTS

    async def _update(self, email: str, name: str, secret: str, roles: list[str]) -> Outcome:
        async with self._database.transaction() as session:
            known = await AccountRepository(session).by_email(email)
        assert known is not None  # noqa: S101 - nothing deletes accounts, and it was there a moment ago
        same_password = await self._passwords.matches(secret, known.password_hash)
        if same_password and _is_just_so(known, name, roles):
            return Outcome.UNCHANGED
        password_hash = known.password_hash if same_password else await self._passwords.hash(secret)
        async with self._database.transaction() as session:
            await AccountRepository(session).set(known.id, name=name, roles=roles, password_hash=password_hash)
            if not same_password or roles != known.roles:
                # Whoever is signed in has the old password or tokens with the old roles.
                await SessionRepository(session).revoke_all(known.id, remember=REVOCATION_LIFE)
                await AuditRepository(session).add("user.set_by_operator", user_id=known.id, roles=roles)
        return Outcome.UPDATED


def _is_just_so(account: Account, name: str, roles: list[str]) -> bool:
    return (account.name, account.roles) == (name, roles) and account.email_verified_at is not None
