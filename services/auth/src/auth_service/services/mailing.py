"""The way of mails from the outbox to the mail server. Each is sent at least once, and after its cause is committed."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from auth_service.clients.mail import MailNotSent, MailSender
from auth_service.models import OutboxMail
from auth_service.repositories.outbox import OutboxRepository
from servicekit.db import Database
from servicekit.logs import get_logger

SWEEP_SECONDS = 5.0

log = get_logger(__name__)


class Mailer:
    """Delivers the outbox: when woken, and every few seconds for what failed or was left by a crash.

    ``prepare`` writes what was asked for and is not in the outbox yet.
    """

    def __init__(
        self,
        database: Database,
        sender: MailSender,
        *,
        mail_from: str,
        prepare: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._database = database
        self._sender = sender
        self._from = mail_from
        self._prepare = prepare
        self._work = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()

    def wake(self) -> None:
        """Say that a mail was committed to the outbox."""
        self._work.set()

    async def run(self) -> None:
        """Deliver for ever."""
        while True:
            try:
                await self.deliver()
            except Exception as error:  # noqa: BLE001 - the database may be away; the next sweep tries again
                log.warning("mail.sweep_failed", error=type(error).__name__)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._work.wait(), SWEEP_SECONDS)
            self._work.clear()

    async def deliver(self) -> None:
        """Send every mail that is due; one that fails waits for its next attempt."""
        async with self._one_at_a_time:
            if self._prepare is not None:
                await self._prepare()
            while mails := await self._claim():
                for mail in mails:
                    await self._send(mail)

    async def _claim(self) -> list[OutboxMail]:
        async with self._database.transaction() as session:
            return list(await OutboxRepository(session).claim())

    async def _send(self, mail: OutboxMail) -> None:
        try:
            await self._sender.send(self._message(mail))
        except MailNotSent as error:
            log.warning("mail.failed", mail_id=str(mail.id), attempts=mail.attempts, error=str(error))
            return
        async with self._database.transaction() as session:
            await OutboxRepository(session).mark_sent(mail.id)
        log.info("mail.sent", mail_id=str(mail.id))

    def _message(self, mail: OutboxMail) -> EmailMessage:
        message = EmailMessage(policy=SMTP)
        message["From"] = self._from
        message["To"] = mail.recipient
        message["Subject"] = mail.subject
        message["Date"] = format_datetime(mail.created_at)
        # The same at each attempt, so that a mail server that got it twice can tell.
        message["Message-ID"] = f"<{mail.id}@appraise>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies
        # Our texts are ASCII. Quoted-printable would break links for whoever reads the file in the folder.
        message.set_content(mail.text_body or "", cte="7bit")
        message.add_alternative(mail.html_body or "", subtype="html", cte="7bit")
        return message
