"""What nobody needs any more."""

from datetime import timedelta

from sqlalchemy import CursorResult, delete, func, or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from auth_service.models import (
    EmailVerification,
    LoginSession,
    MfaChallenge,
    OutboxMail,
    PasswordReset,
    RefreshToken,
    RevokedSession,
    ThrottleBucket,
)

MAIL_LIFE = timedelta(hours=24)  # the life of the links in it
ENDED_SESSION_LIFE = timedelta(days=7)


class ExpiredRepository:
    """SQL that deletes, within the session's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def delete(self) -> int:
        """Delete what has expired. Returns how many mails were given up, which never reached anybody."""
        now = func.now()
        await self._session.execute(delete(RevokedSession).where(col(RevokedSession.expires_at) < now))
        await self._session.execute(delete(EmailVerification).where(col(EmailVerification.expires_at) < now))
        await self._session.execute(delete(RefreshToken).where(col(RefreshToken.expires_at) < now))
        await self._session.execute(
            delete(LoginSession).where(
                or_(col(LoginSession.expires_at) < now, col(LoginSession.revoked_at) < now - ENDED_SESSION_LIFE)
            )
        )
        await self._session.execute(delete(PasswordReset).where(col(PasswordReset.expires_at) < now))
        await self._session.execute(delete(MfaChallenge).where(col(MfaChallenge.expires_at) < now))
        await self._session.execute(delete(ThrottleBucket).where(col(ThrottleBucket.expires_at) < now))
        old = delete(OutboxMail).where(col(OutboxMail.created_at) < now - MAIL_LIFE)
        await self._session.execute(old.where(col(OutboxMail.sent_at).is_not(None)))
        given_up = await self._session.execute(old)
        assert isinstance(given_up, CursorResult)  # noqa: S101 - a DELETE has a row count
        return given_up.rowcount
