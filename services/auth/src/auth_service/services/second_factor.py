"""The second factor: codes of an authenticator app, and recovery codes for when the phone is gone."""

from auth_service.errors import NoSecondFactor, SecondFactorExists, WrongCode
from auth_service.one_time_codes import base32, new_recovery_codes, new_secret, otpauth_uri
from auth_service.repositories.accounts import AccountRepository
from auth_service.repositories.audit import AuditRepository
from auth_service.repositories.outbox import OutboxRepository
from auth_service.repositories.second_factors import SecondFactorRepository
from auth_service.schemas import RecoveryCodesOut, TotpOut
from auth_service.services.mail_texts import MailTemplates
from auth_service.services.mailing import Mailer
from auth_service.services.one_time_use import Codes
from auth_service.services.password_changes import PasswordChanges
from auth_service.services.throttle import ACCOUNT, Throttle
from servicekit.db import Database
from servicekit.problems import InvalidToken
from servicekit.tokens import Principal

ISSUER = "Appraise"


class SecondFactor:
    """Switches the second factor of an account on and off."""

    def __init__(
        self,
        database: Database,
        *,
        codes: Codes,
        passwords: PasswordChanges,
        throttle: Throttle,
        templates: MailTemplates,
        mailer: Mailer,
    ) -> None:
        self._database = database
        self._codes = codes
        self._passwords = passwords
        self._throttle = throttle
        self._templates = templates
        self._mailer = mailer

    async def propose(self, principal: Principal, password: str) -> TotpOut:
        """A new secret, which is asked for once ``confirm`` has seen a code of it.

        Raises:
            SecondFactorExists: switch it off first.
            WrongPassword, TooManyTries, InvalidToken: as ``PasswordChanges.prove``.
        """
        account = await self._passwords.prove(principal, password)
        if account.mfa_enabled:
            raise SecondFactorExists
        shared = new_secret()
        async with self._database.transaction() as session:
            await SecondFactorRepository(session).propose(account.id, self._codes.seal(account.id, shared))
        uri = otpauth_uri(shared, issuer=ISSUER, account=account.email)
        return TotpOut(secret=base32(shared), otpauth_uri=uri)

    async def confirm(self, principal: Principal, code: str) -> RecoveryCodesOut:
        """Switch the factor on. The recovery codes are shown this once.

        Raises:
            NoSecondFactor: there is no proposed one.
            SecondFactorExists: it is on already.
            WrongCode, TooManyTries: the code is not one of the proposed secret.
        """
        bucket = self._throttle.bucket(ACCOUNT, "confirm", principal.user_id)
        await self._throttle.check(bucket)
        fresh = new_recovery_codes()
        async with self._database.transaction() as session:
            account = await AccountRepository(session).get(principal.user_id, for_update=True)
            if account is None:
                raise InvalidToken
            if account.mfa_enabled:
                raise SecondFactorExists
            if await SecondFactorRepository(session).sealed_secret(account.id) is None:
                raise NoSecondFactor
            right = await self._codes.use(session, account.id, code, recovery=False) is not None
            if right:
                await SecondFactorRepository(session).enable(account.id, [self._codes.hash_of(text) for text in fresh])
                await AuditRepository(session).add("totp.enabled", user_id=account.id)
                await OutboxRepository(session).send(account.email, self._templates.second_factor(on=True))
        if not right:
            await self._throttle.count(bucket)
            raise WrongCode
        self._mailer.wake()
        return RecoveryCodesOut(recovery_codes=fresh)

    async def remove(self, principal: Principal, password: str) -> None:
        """Switch the factor off.

        Raises:
            NoSecondFactor: it is not on.
            WrongPassword, TooManyTries, InvalidToken: as ``PasswordChanges.prove``.
        """
        account = await self._passwords.prove(principal, password)
        if not account.mfa_enabled:
            raise NoSecondFactor
        async with self._database.transaction() as session:
            await SecondFactorRepository(session).disable(account.id)
            await AuditRepository(session).add("totp.disabled", user_id=account.id)
            await OutboxRepository(session).send(account.email, self._templates.second_factor(on=False))
        self._mailer.wake()
