"""Signing in, staying signed in, signing out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.addresses import normalise_email
from auth_service.errors import InvalidCredentials, InvalidMfaToken, InvalidRefreshToken, RefreshReused, WrongCode
from auth_service.models import Account
from auth_service.password_policy import MAX_LENGTH, normal_form
from auth_service.repositories.accounts import AccountRepository
from auth_service.repositories.audit import AuditRepository
from auth_service.repositories.outbox import OutboxRepository
from auth_service.repositories.second_factors import SecondFactorRepository
from auth_service.repositories.sessions import SessionRepository
from auth_service.repositories.throttle import Bucket
from auth_service.services.access_tokens import LIFE_SECONDS, AccessTokens
from auth_service.services.mail_texts import MailTemplates
from auth_service.services.mailing import Mailer
from auth_service.services.one_time_use import Codes
from auth_service.services.opaque_tokens import DeviceTokens, RefreshChain, hash_of, new_token
from auth_service.services.passwords import Passwords
from auth_service.services.throttle import ACCOUNT, Caller, Throttle
from servicekit.db import Database
from servicekit.logs import get_logger
from servicekit.revocations import Revocation, RevocationPage, Revocations
from servicekit.tokens import Principal

SESSION_LIFE = timedelta(days=90)
IDLE_LIFE = timedelta(days=14)
CHALLENGE_LIFE = timedelta(minutes=5)
# A lost answer, or two tabs: a client may repeat a refresh for this long.
RETRY_GRACE = timedelta(seconds=10)
# Every access token of an ended session has expired after this time, with a minute for clocks that differ.
REVOCATION_LIFE = timedelta(seconds=LIFE_SECONDS + 60)

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Challenge:
    """The password was right, and a code is needed too."""

    mfa_token: str


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a client gets when it signs in or refreshes."""

    access_token: str
    refresh_token: str
    device_token: str | None = None


class Sessions:
    """Decides who gets tokens.

    Passwords are checked outside of transactions, as checking takes long; so each method opens its own.
    """

    def __init__(
        self,
        database: Database,
        *,
        passwords: Passwords,
        tokens: AccessTokens,
        chain: RefreshChain,
        devices: DeviceTokens,
        codes: Codes,
        throttle: Throttle,
        templates: MailTemplates,
        mailer: Mailer,
        revocations: Revocations,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._tokens = tokens
        self._chain = chain
        self._devices = devices
        self._codes = codes
        self._throttle = throttle
        self._templates = templates
        self._mailer = mailer
        self._revocations = revocations

    async def login(self, email: str, password: str, caller: Caller) -> TokenPair | Challenge:
        """Start a session, or ask for a code too when the account has a second factor.

        Raises:
            InvalidCredentials: whatever the cause, after the same work.
            TooManyTries: here too, whether or not there is such an account.
        """
        secret = normal_form(password)[: MAX_LENGTH + 1]  # a longer one is nobody's, and need not be hashed whole
        address = _address(email)
        account = await self._find(address)
        buckets = self._buckets("password", address or email.casefold(), account.id if account else None, caller)
        await self._throttle.check(*buckets)
        matches = await self._passwords.matches(secret, account.password_hash if account else None)
        if account is None or not matches or account.disabled_at is not None:
            log.info("login.refused", user_id=str(account.id) if account else None)
            await self._throttle.count(*buckets)
            await self._note_refusal(account, caller)
            raise InvalidCredentials
        await self._throttle.passed(*buckets)
        new_hash = None
        if self._passwords.is_outdated(account.password_hash):
            new_hash = await self._passwords.hash(secret)
        started = await self._start(account, new_hash, caller)
        # Nothing started: the password was changed while it was checked, so check it against the new one.
        return started or await self.login(email, password, caller)

    async def finish_login(self, mfa_token: str, code: str, caller: Caller) -> TokenPair:
        """Start the session of somebody who has shown the password, with a code.

        Raises:
            InvalidMfaToken: unknown, expired or used.
            WrongCode: wrong or used before.
            TooManyTries: of tokens in this network, or of codes for this account.
        """
        network = self._throttle.network(caller)
        await self._throttle.check(network)
        async with self._database.transaction() as session:
            account_id = await SecondFactorRepository(session).challenged(hash_of(mfa_token))
        if account_id is None:
            await self._throttle.count(network)
            raise InvalidMfaToken
        buckets = self._buckets("code", account_id, account_id, caller)
        await self._throttle.check(*buckets)
        async with self._database.transaction() as session:
            used = await self._codes.use(session, account_id, code, recovery=True)
            kind = "mfa.refused" if used is None else f"{used}.used"
            await AuditRepository(session).add(kind, user_id=account_id, network=caller.network)
        if used is None:
            log.info("mfa.refused", user_id=str(account_id))
            await self._throttle.count(*buckets)
            raise WrongCode
        await self._throttle.passed(*buckets)
        async with self._database.transaction() as session:
            account = await AccountRepository(session).get(account_id, for_update=True)
            spent = await SecondFactorRepository(session).spend_challenge(hash_of(mfa_token))
            if account is None or account.disabled_at is not None or not spent:
                raise InvalidMfaToken
            return await self._open(session, account, caller)

    async def refresh(self, token: str) -> TokenPair:
        """Spend a refresh token for its successor.

        Raises:
            InvalidRefreshToken: unknown, expired, or of a session that has ended.
            RefreshReused: spent before, and not just now. Its session has ended for that.
        """
        successor = self._chain.successor(token)
        async with self._database.transaction() as session:
            sessions = SessionRepository(session)
            await sessions.touch(hash_of(token))
            session_id = await sessions.spend(hash_of(token))
            if session_id is not None:
                await sessions.add_token(session_id, hash_of(successor), idle_life=IDLE_LIFE)
            else:
                session_id = await self._repeated(session, token)
            account = None if session_id is None else await sessions.account_of(session_id)
        if session_id is None or account is None:
            self._mailer.wake()
            raise RefreshReused  # only here, as the end of the session had to be committed first
        return TokenPair(self._tokens.issue(account, session_id), successor)

    async def logout(self, principal: Principal) -> None:
        """End the session. Its access tokens stop working here at once, elsewhere within a second."""
        async with self._database.transaction() as session:
            if await SessionRepository(session).revoke(principal.session_id, remember=REVOCATION_LIFE):
                await AuditRepository(session).add(
                    "session.ended", user_id=principal.user_id, session_id=str(principal.session_id), cause="logout"
                )
        refuse(self._revocations, [principal.session_id])
        log.info("session.ended", cause="logout")

    async def revocations(self, since: int) -> RevocationPage:
        """The sessions that ended early, after number ``since``."""
        async with self._database.transaction() as session:
            rows = await SessionRepository(session).revocations(since)
        items = [Revocation(session_id=session_id, expires_at=expires_at) for _, session_id, expires_at in rows]
        return RevocationPage(items=items, last=rows[-1][0] if rows else since)

    async def _find(self, address: str) -> Account | None:
        async with self._database.transaction() as session:
            return await AccountRepository(session).by_email(address)

    async def _note_refusal(self, account: Account | None, caller: Caller) -> None:
        """Tell the audit log, of unknown accounts too: so both take the same time."""
        async with self._database.transaction() as session:
            audit = AuditRepository(session)
            await audit.add("login.refused", user_id=account.id if account else None, network=caller.network)

    async def _start(self, account: Account, new_hash: str | None, caller: Caller) -> TokenPair | Challenge | None:
        """Tokens of a new session, or a question for a code; None when the password is not any more the checked one."""
        async with self._database.transaction() as session:
            accounts = AccountRepository(session)
            current = await accounts.by_email(account.email, for_update=True)
            if current is None or current.password_hash != account.password_hash or current.disabled_at:
                return None
            if new_hash is not None:
                await accounts.rehash(account.id, new_hash)
            if current.mfa_enabled:
                token = new_token()
                await SecondFactorRepository(session).add_challenge(current.id, hash_of(token), CHALLENGE_LIFE)
                return Challenge(token)
            return await self._open(session, current, caller)

    async def _open(self, session: AsyncSession, account: Account, caller: Caller) -> TokenPair:
        token = new_token()
        sessions = SessionRepository(session)
        session_id = await sessions.start(
            account.id, life=SESSION_LIFE, network=caller.network, user_agent=caller.user_agent
        )
        await sessions.add_token(session_id, hash_of(token), idle_life=IDLE_LIFE)
        await AuditRepository(session).add(
            "login.succeeded", user_id=account.id, session_id=str(session_id), network=caller.network
        )
        log.info("login.succeeded", user_id=str(account.id), session_id=str(session_id))
        known = self._devices.name_of(caller.device_token, account.id) is not None
        device_token = caller.device_token if known else self._devices.issue(account.id)
        return TokenPair(self._tokens.issue(account, session_id), token, device_token)

    def _buckets(self, kind: str, subject: object, account_id: UUID | None, caller: Caller) -> list[Bucket]:
        """Where tries are counted: a device that is known to the account stands in no queue with strangers."""
        device = self._devices.name_of(caller.device_token, account_id) if account_id else None
        if device is not None:
            return [self._throttle.bucket(ACCOUNT, f"device {kind}", device)]
        return [self._throttle.bucket(ACCOUNT, kind, subject), self._throttle.network(caller)]

    async def _repeated(self, session: AsyncSession, token: str) -> UUID | None:
        """The session, when the token was spent just now; None when its session has ended for a reuse."""
        sessions = SessionRepository(session)
        spent = await sessions.spent(hash_of(token), grace=RETRY_GRACE)
        if spent is None or (spent.in_grace and spent.session_ended):
            raise InvalidRefreshToken
        if spent.in_grace:
            return spent.session_id
        account = await sessions.account_of(spent.session_id)
        if await sessions.revoke(spent.session_id, remember=REVOCATION_LIFE) and account is not None:
            await OutboxRepository(session).send(account.email, self._templates.refresh_reused())
            await AuditRepository(session).add(
                "session.ended", user_id=account.id, session_id=str(spent.session_id), cause="refresh-reused"
            )
            log.warning("session.ended", cause="refresh-reused", session_id=str(spent.session_id))
            refuse(self._revocations, [spent.session_id])
        return None


def refuse(revocations: Revocations, session_ids: Iterable[UUID]) -> None:
    """Let this process refuse the tokens of ended sessions now; it would learn of them within half a second."""
    for session_id in session_ids:
        revocations.add(session_id, datetime.now(UTC) + REVOCATION_LIFE)


def _address(email: str) -> str:
    """The one spelling of the address, or the empty text, which is nobody's."""
    try:
        return normalise_email(email)
    except ValueError:
        return ""
