"""Sessions, their chains of refresh tokens, and the list of those that ended early."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from auth_service.models import Account, LoginSession, MfaChallenge, RefreshToken, RevokedSession

REVOCATIONS_PER_ANSWER = 10_000


@dataclass(frozen=True, slots=True)
class SpentToken:
    """A refresh token that was used before."""

    session_id: UUID
    in_grace: bool
    session_ended: bool


class SessionRepository:
    """SQL on sessions, within the session's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def start(
        self, account_id: UUID, *, life: timedelta, network: str | None = None, user_agent: str | None = None
    ) -> UUID:
        """A new session of the account."""
        statement = (
            insert(LoginSession)
            .values(account_id=account_id, expires_at=func.now() + life, network=network, user_agent=user_agent)
            .returning(col(LoginSession.id))
        )
        return (await self._session.execute(statement)).scalar_one()

    async def add_token(self, session_id: UUID, token_hash: bytes, *, idle_life: timedelta) -> None:
        """The next refresh token of the session. It never outlives the session."""
        session_end = select(col(LoginSession.expires_at)).where(col(LoginSession.id) == session_id).scalar_subquery()
        await self._session.execute(
            insert(RefreshToken).values(
                session_id=session_id,
                token_hash=token_hash,
                expires_at=func.least(func.now() + idle_life, session_end),
            )
        )

    async def spend(self, token_hash: bytes) -> UUID | None:
        """Spend an unspent token of a living session: the session's id, or None. Of parallel callers one gets it."""
        statement = (
            update(RefreshToken)
            .where(
                col(RefreshToken.token_hash) == token_hash,
                col(RefreshToken.spent_at).is_(None),
                col(RefreshToken.expires_at) > func.now(),
                col(RefreshToken.session_id) == col(LoginSession.id),
                col(LoginSession.revoked_at).is_(None),
            )
            .values(spent_at=func.now())
            .returning(col(RefreshToken.session_id))
        )
        return (await self._session.execute(statement)).scalar_one_or_none()

    async def touch(self, token_hash: bytes) -> None:
        """Note that the token's session is used. That locks it: the session before its tokens, as in a deletion."""
        session_id = (
            select(col(RefreshToken.session_id)).where(col(RefreshToken.token_hash) == token_hash).scalar_subquery()
        )
        used = update(LoginSession).where(col(LoginSession.id) == session_id, col(LoginSession.revoked_at).is_(None))
        await self._session.execute(used.values(last_used_at=func.now()))

    async def living(
        self, account_id: UUID, *, idle_life: timedelta, before: UUID | None, limit: int
    ) -> list[LoginSession]:
        """The account's sessions that can still be refreshed, newest first."""
        statement = (
            select(LoginSession)
            .where(
                col(LoginSession.account_id) == account_id,
                col(LoginSession.revoked_at).is_(None),
                col(LoginSession.expires_at) > func.now(),
                col(LoginSession.last_used_at) > func.now() - idle_life,
            )
            .order_by(col(LoginSession.id).desc())
            .limit(limit)
        )
        if before is not None:
            statement = statement.where(col(LoginSession.id) < before)
        return list((await self._session.execute(statement)).scalars())

    async def spent(self, token_hash: bytes, *, grace: timedelta) -> SpentToken | None:
        """What is known of a token that ``spend`` refused: None unless it was spent before and has not expired."""
        statement = (
            select(
                col(RefreshToken.session_id),
                (col(RefreshToken.spent_at) > func.now() - grace).label("in_grace"),
                col(LoginSession.revoked_at).is_not(None).label("session_ended"),
            )
            .join(LoginSession, col(LoginSession.id) == col(RefreshToken.session_id))
            .where(
                col(RefreshToken.token_hash) == token_hash,
                col(RefreshToken.spent_at).is_not(None),
                col(RefreshToken.expires_at) > func.now(),
            )
        )
        row = (await self._session.execute(statement)).one_or_none()
        return None if row is None else SpentToken(*row)

    async def account_of(self, session_id: UUID) -> Account | None:
        """The account whose session this is, or None when there is no such session any more."""
        statement = (
            select(Account)
            .join(LoginSession, col(LoginSession.account_id) == col(Account.id))
            .where(col(LoginSession.id) == session_id)
        )
        return (await self._session.execute(statement)).scalar_one_or_none()

    async def revoke(self, session_id: UUID, *, remember: timedelta, account_id: UUID | None = None) -> bool:
        """End the session, if it is one of the account when that is given; False when there was nothing to end.

        Its access tokens stay on the list for ``remember``.
        """
        which = col(LoginSession.id) == session_id
        if account_id is not None:
            which = and_(which, col(LoginSession.account_id) == account_id, col(LoginSession.expires_at) > func.now())
        return bool(await self._end(which, remember))

    async def revoke_all(self, account_id: UUID, *, remember: timedelta, keep: UUID | None = None) -> list[UUID]:
        """End every session of the account but the one to ``keep``, and half-done sign-ins. Returns which ended."""
        await self._session.execute(delete(MfaChallenge).where(col(MfaChallenge.account_id) == account_id))
        which = col(LoginSession.account_id) == account_id
        if keep is not None:
            which = and_(which, col(LoginSession.id) != keep)
        return await self._end(which, remember)

    async def _end(self, which: ColumnElement[bool], remember: timedelta) -> list[UUID]:
        statement = (
            update(LoginSession)
            .where(which, col(LoginSession.revoked_at).is_(None))
            .values(revoked_at=func.now())
            .returning(col(LoginSession.id))
        )
        ended = (await self._session.execute(statement)).scalars().all()
        if ended:
            # One writer at a time until it commits, or a reader of the feed could see number 6 before number 5 and
            # never ask for 5 again.
            await self._session.execute(text("SELECT pg_advisory_xact_lock(hashtext('revoked_session'))"))
            rows = [{"session_id": session_id, "expires_at": func.now() + remember} for session_id in ended]
            await self._session.execute(upsert(RevokedSession).values(rows).on_conflict_do_nothing())
        return list(ended)

    async def revocations(self, since: int) -> list[tuple[int, UUID, datetime]]:
        """Number, session and expiry of what was revoked after number ``since`` and still matters, oldest first."""
        statement = (
            select(col(RevokedSession.seq), col(RevokedSession.session_id), col(RevokedSession.expires_at))
            .where(col(RevokedSession.seq) > since, col(RevokedSession.expires_at) > func.now())
            .order_by(col(RevokedSession.seq))
            .limit(REVOCATIONS_PER_ANSWER)
        )
        return [(row[0], row[1], row[2]) for row in await self._session.execute(statement)]
