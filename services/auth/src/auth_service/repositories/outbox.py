"""Mails that wait to be sent."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from sqlalchemy import func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from auth_service.models import OutboxMail

BATCH = 20


class MailTexts(Protocol):
    """A mail that is ready to be sent."""

    @property
    def subject(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def html(self) -> str: ...


class OutboxRepository:
    """SQL on the outbox, within the session's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, *, recipient: str, subject: str, text: str, html: str) -> None:
        """Have a mail sent once the transaction has committed."""
        await self._session.execute(
            insert(OutboxMail).values(recipient=recipient, subject=subject, text_body=text, html_body=html)
        )

    async def send(self, recipient: str, mail: MailTexts) -> None:
        """As ``add``, for texts in one piece."""
        await self.add(recipient=recipient, subject=mail.subject, text=mail.text, html=mail.html)

    async def claim(self) -> Sequence[OutboxMail]:
        """Mails that are due. Nobody else gets them before their next attempt is due: 20 s, then doubling to 1 h."""
        due = (
            select(col(OutboxMail.id))
            .where(col(OutboxMail.sent_at).is_(None), col(OutboxMail.next_attempt_at) <= func.now())
            .order_by(col(OutboxMail.next_attempt_at))
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        wait = func.least(3600, 20 * func.power(2, func.least(col(OutboxMail.attempts), 10)))
        statement = (
            update(OutboxMail)
            .where(col(OutboxMail.id).in_(due))
            .values(
                attempts=col(OutboxMail.attempts) + 1,
                next_attempt_at=func.now() + wait * literal(timedelta(seconds=1)),
            )
            .returning(OutboxMail)
        )
        return (await self._session.execute(statement)).scalars().all()

    async def mark_sent(self, mail_id: UUID) -> None:
        """The mail has left; its texts, which hold secrets, go."""
        await self._session.execute(
            update(OutboxMail)
            .where(col(OutboxMail.id) == mail_id)
            .values(sent_at=func.now(), text_body=None, html_body=None)
        )
