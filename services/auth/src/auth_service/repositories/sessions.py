"""Sessions, their chains of refresh tokens, and the list of those that ended early."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from auth_service.models import Account, LoginSession, RefreshToken, RevokedSession

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

    async def start(self, account_id: UUID, *, life: timedelta) -> UUID:
        """A new session of the account."""
        statement = (
            insert(LoginSession)
            .values(account_id=account_id, expires_at=func.now() + life)
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

    async def account_of(self, session_id: UUID) -> Account:
        """The account whose session this is."""
        statement = (
            select(Account)
            .join(LoginSession, col(LoginSession.account_id) == col(Account.id))
            .where(col(LoginSession.id) == session_id)
        )
        return (await self._session.execute(statement)).scalar_one()

    async def revoke(self, session_id: UUID, *, remember: timedelta) -> bool:
        """End the session; False when it had ended before. Its access tokens stay on the list for ``remember``."""
        return await self._end(col(LoginSession.id) == session_id, remember) > 0

    async def revoke_all(self, account_id: UUID, *, remember: timedelta) -> int:
        """End every session of the account. Returns how many."""
        return await self._end(col(LoginSession.account_id) == account_id, remember)

    async def _end(self, which: object, remember: timedelta) -> int:
        statement = (
            update(LoginSession)
            .where(which, col(LoginSession.revoked_at).is_(None))  # type: ignore[arg-type]  # a column expression
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
        return len(ended)

    async def revocations(self, since: int) -> list[tuple[int, UUID, datetime]]:
        """Number, session and expiry of what was revoked after number ``since`` and still matters, oldest first."""
        statement = (
            select(col(RevokedSession.seq), col(RevokedSession.session_id), col(RevokedSession.expires_at))
            .where(col(RevokedSession.seq) > since, col(RevokedSession.expires_at) > func.now())
            .order_by(col(RevokedSession.seq))
            .limit(REVOCATIONS_PER_ANSWER)
        )
        return [(row[0], row[1], row[2]) for row in await self._session.execute(statement)]
