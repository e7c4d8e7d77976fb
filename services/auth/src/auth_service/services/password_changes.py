"""A new password: by its owner with the old one, or with a link that only the owner of the address has."""

import asyncio
from datetime import timedelta
from uuid import UUID

from auth_service.errors import LinkSpent, WrongPassword
from auth_service.models import Account
from auth_service.password_policy import MAX_LENGTH, normal_form
from auth_service.repositories.accounts import AccountRepository
from auth_service.repositories.audit import AuditRepository
from auth_service.repositories.outbox import OutboxRepository
from auth_service.repositories.password_resets import PasswordResetRepository
from auth_service.repositories.sessions import SessionRepository
from auth_service.services.accounts import acceptable
from auth_service.services.mail_texts import MailTemplates
from auth_service.services.mailing import Mailer
from auth_service.services.opaque_tokens import hash_of, new_token
from auth_service.services.passwords import Passwords
from auth_service.services.sessions import REVOCATION_LIFE, refuse
from auth_service.services.throttle import ACCOUNT, MAIL, Caller, Throttle
from servicekit.db import Database
from servicekit.logs import get_logger
from servicekit.problems import InvalidToken
from servicekit.revocations import Revocations
from servicekit.tokens import Principal

RESET_LIFE = timedelta(hours=1)
MAIL_DELAY_SECONDS = 0.25

log = get_logger(__name__)


class RequestedResets:
    """Turns requests into mails, in the background: so the answer to a request takes the same time for any address."""

    def __init__(self, database: Database, templates: MailTemplates) -> None:
        self._database = database
        self._templates = templates

    async def write_mails(self) -> None:
        """Write a mail for each waiting request whose address has an account."""
        while await self._write_some():
            pass

    async def _write_some(self) -> int:
        async with self._database.transaction() as session:
            emails = await PasswordResetRepository(session).take_requests()
            for email in emails:
                account = await AccountRepository(session).by_email(email)
                if account is None or account.disabled_at is not None:
                    continue
                token = new_token()
                await PasswordResetRepository(session).add(account.id, hash_of(token), RESET_LIFE)
                await OutboxRepository(session).send(email, self._templates.reset_password(token))
                await AuditRepository(session).add("password.reset_requested", user_id=account.id)
        return len(emails)


class PasswordChanges:
    """Decides about new passwords. Each method opens its own transactions, as hashing takes long."""

    def __init__(
        self,
        database: Database,
        *,
        passwords: Passwords,
        throttle: Throttle,
        templates: MailTemplates,
        mailer: Mailer,
        revocations: Revocations,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._throttle = throttle
        self._templates = templates
        self._mailer = mailer
        self._revocations = revocations

    async def prove(self, principal: Principal, password: str) -> Account:
        """The caller's account, when this is its password.

        Raises:
            WrongPassword: it is another one.
            TooManyTries: whoever holds the access token guessed too often.
            InvalidToken: the account is gone.
        """
        async with self._database.transaction() as session:
            account = await AccountRepository(session).get(principal.user_id)
        if account is None:
            raise InvalidToken
        bucket = self._throttle.bucket(ACCOUNT, "proof", principal.user_id)
        await self._throttle.check(bucket)
        if not await self._passwords.matches(normal_form(password)[: MAX_LENGTH + 1], account.password_hash):
            await self._throttle.count(bucket)
            raise WrongPassword
        await self._throttle.passed(bucket)
        return account

    async def change(self, principal: Principal, current: str, new: str) -> None:
        """Set a new password and end all other sessions.

        Raises:
            WeakPassword: the new one.
            WrongPassword, TooManyTries, InvalidToken: as ``prove``.
        """
        account = await self.prove(principal, current)
        secret = acceptable(new, email=account.email, name=account.name, field="new_password")
        password_hash = await self._passwords.hash(secret)
        async with self._database.transaction() as session:
            if not await AccountRepository(session).replace_password(account.id, account.password_hash, password_hash):
                raise WrongPassword  # it was changed while it was checked
            await PasswordResetRepository(session).withdraw(account.id)
            ended = await SessionRepository(session).revoke_all(
                account.id, remember=REVOCATION_LIFE, keep=principal.session_id
            )
            await OutboxRepository(session).send(account.email, self._templates.password_changed())
            await AuditRepository(session).add("password.changed", user_id=account.id)
        refuse(self._revocations, ended)
        self._mailer.wake()
        log.info("password.changed", sessions_ended=len(ended))

    async def forgot(self, email: str) -> None:
        """Have a link sent, if there is such an account. The caller can't see whether, nor clock it.

        Raises:
            TooManyTries: too many mails to this address.
        """
        await self._throttle.count(self._throttle.bucket(MAIL, "forgot", email))
        async with self._database.transaction() as session:
            await PasswordResetRepository(session).request(email)
        # Not at once: the work for a known address must not run while the answer is on its way.
        asyncio.get_running_loop().call_later(MAIL_DELAY_SECONDS, self._mailer.wake)

    async def reset(self, token: str, new: str, caller: Caller) -> None:
        """Set a new password with the token of a link, and end every session.

        Raises:
            LinkSpent: it was used, has expired, or never existed.
            WeakPassword: the link stays good for another try.
            TooManyTries: this network tried too many links.
        """
        network = self._throttle.network(caller)
        await self._throttle.check(network)
        async with self._database.transaction() as session:
            account = await PasswordResetRepository(session).account_of(hash_of(token))
        if account is None:
            await self._throttle.count(network)
            raise LinkSpent
        password_hash = await self._passwords.hash(acceptable(new, email=account.email, name=account.name))
        ended = await self._reset(account, hash_of(token), password_hash)
        # Whoever guessed before has closed the door for the owner too.
        await self._throttle.forgive(self._throttle.bucket(ACCOUNT, "password", account.email))
        refuse(self._revocations, ended)
        self._mailer.wake()
        log.info("password.reset", user_id=str(account.id), sessions_ended=len(ended))

    async def _reset(self, account: Account, token_hash: bytes, password_hash: str) -> list[UUID]:
        async with self._database.transaction() as session:
            resets = PasswordResetRepository(session)
            if not await resets.spend(token_hash):
                raise LinkSpent
            await resets.withdraw(account.id)
            await AccountRepository(session).reset_password(account.id, password_hash)
            ended = await SessionRepository(session).revoke_all(account.id, remember=REVOCATION_LIFE)
            await OutboxRepository(session).send(account.email, self._templates.password_changed())
            await AuditRepository(session).add("password.reset", user_id=account.id)
        return ended
