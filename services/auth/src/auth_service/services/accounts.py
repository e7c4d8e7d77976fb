"""Registering, proving an address, and what a person sees of their account."""

from datetime import timedelta
from uuid import UUID

from auth_service.errors import LastAdmin, LinkSpent, WeakPassword
from auth_service.models import Account
from auth_service.password_policy import fault_of, normal_form
from auth_service.repositories.accounts import AccountRepository
from auth_service.repositories.audit import AuditRepository
from auth_service.repositories.outbox import OutboxRepository
from auth_service.repositories.sessions import SessionRepository
from auth_service.services.mail_texts import MailTemplates
from auth_service.services.mailing import Mailer
from auth_service.services.opaque_tokens import hash_of, new_token
from auth_service.services.passwords import Passwords
from auth_service.services.profiles import profile_of
from auth_service.services.sessions import REVOCATION_LIFE, refuse
from auth_service.services.throttle import MAIL, Caller, Throttle
from servicekit.conditional import require_match
from servicekit.db import Database
from servicekit.logs import get_logger
from servicekit.problems import InvalidToken
from servicekit.revocations import Revocations

VERIFICATION_LIFE = timedelta(hours=24)

log = get_logger(__name__)


class Accounts:
    """Decides about accounts. Hashing takes long and happens outside of transactions, so each method opens its own."""

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

    async def register(self, *, email: str, password: str, name: str) -> None:
        """Make an account, or tell the owner of a known address by mail. The caller can't see which, nor clock it.

        Raises:
            WeakPassword: whether or not the address is known.
            TooManyTries: too many mails to this address.
        """
        secret = acceptable(password, email=email, name=name)
        await self._throttle.count(self._throttle.bucket(MAIL, "register", email))
        password_hash = await self._passwords.hash(secret)
        token = new_token()
        async with self._database.transaction() as session:
            accounts = AccountRepository(session)
            account_id = await accounts.add(email=email, name=name, password_hash=password_hash)
            known = None
            if account_id is not None:
                mail = self._templates.verify_email(token)
                await accounts.add_verification(account_id, hash_of(token), VERIFICATION_LIFE)
            else:
                known = await accounts.by_email(email)
                unproven = known is not None and known.email_verified_at is None
                mail = self._templates.account_exists(token if unproven else None)
                if known is not None and unproven:
                    await accounts.add_verification(known.id, hash_of(token), VERIFICATION_LIFE)
            await OutboxRepository(session).send(email, mail)
            await AuditRepository(session).add(
                "account.registered" if account_id else "account.registered_again",
                user_id=account_id or (known.id if known else None),
            )
        log.info("account.registered" if account_id else "account.registered_again", user_id=str(account_id or ""))
        self._mailer.wake()

    async def verify_email(self, token: str, caller: Caller) -> None:
        """Take the proof of an address.

        Raises:
            LinkSpent: the link was used, has expired, or never existed.
            TooManyTries: this network tried too many of them.
        """
        network = self._throttle.network(caller)
        await self._throttle.check(network)
        async with self._database.transaction() as session:
            account_id = await AccountRepository(session).spend_verification(hash_of(token))
            if account_id is not None:
                await AuditRepository(session).add("account.verified", user_id=account_id)
        if account_id is None:
            await self._throttle.count(network)
            raise LinkSpent
        log.info("account.verified", user_id=str(account_id))

    async def get(self, account_id: UUID) -> Account:
        """The account of a signed-in person. Raises InvalidToken when it is gone."""
        async with self._database.transaction() as session:
            account = await AccountRepository(session).get(account_id)
        if account is None:
            raise InvalidToken
        return account

    async def rename(self, account_id: UUID, name: str, *, if_match: str | None = None) -> Account:
        """The account with its new name.

        Raises:
            InvalidToken: it is gone.
            PreconditionFailed: there is an If-Match, and the account has changed since.
        """
        async with self._database.transaction() as session:
            accounts = AccountRepository(session)
            if if_match is not None and (present := await accounts.get(account_id, for_update=True)):
                require_match(if_match, profile_of(present))
            account = await accounts.rename(account_id, name)
        if account is None:
            raise InvalidToken
        return account

    async def delete(self, account_id: UUID) -> None:
        """End the account: its sessions stop, its address and name go. The id stays, and points keep their history.

        Raises:
            LastAdmin: nobody would be left to administer.
            InvalidToken: it is gone already.
        """
        async with self._database.transaction() as session:
            accounts = AccountRepository(session)
            await accounts.lock_admins()
            account = await accounts.get(account_id, for_update=True)
            if account is None:
                raise InvalidToken
            if "admin" in account.roles and not await accounts.has_other_admin(account_id):
                raise LastAdmin
            ended = await SessionRepository(session).revoke_all(account_id, remember=REVOCATION_LIFE)
            await OutboxRepository(session).send(account.email, self._templates.account_deleted())
            await accounts.anonymise(account_id)
            await AuditRepository(session).add("account.deleted", user_id=account_id)
        refuse(self._revocations, ended)
        self._mailer.wake()
        log.info("account.deleted", sessions_ended=len(ended))


def acceptable(password: str, *, email: str, name: str, field: str = "password") -> str:
    """The normal form of a new password. Raises WeakPassword."""
    secret = normal_form(password)
    fault = fault_of(secret, email=email, name=name)
    if fault is not None:
        raise WeakPassword(*fault, field=field)
    return secret
