"""Where mails go: to an SMTP server, or to a folder."""

import asyncio
import os
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib
from pydantic import SecretStr

SMTP_SECONDS = 20.0


class MailNotSent(Exception):
    """The mail could not be handed over this time."""


class MailSender(Protocol):
    """What takes mails away."""

    async def send(self, message: EmailMessage) -> None:
        """Hand the message over for good. Raises MailNotSent."""


class FolderMail:
    """Writes each mail to ``<folder>/<timestamp>-<id>.eml``. A file appears whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, message: EmailMessage) -> None:
        """Write the message. Raises MailNotSent."""
        try:
            await asyncio.to_thread(self._write, message)
        except OSError as error:
            raise MailNotSent(str(error)) from error

    def _write(self, message: EmailMessage) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        mail_id = str(message["Message-ID"]).strip("<>").partition("@")[0]
        path = self._folder / f"{stamp}-{mail_id}.eml"
        unfinished = path.with_suffix(".part")
        with unfinished.open("wb") as file:
            file.write(message.as_bytes())
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)


class SmtpMail:
    """Hands each mail to the server of a URL: ``smtp://user:password@host:port`` or, with TLS at once, ``smtps://``.

    ``smtp`` uses STARTTLS when the server offers it, and insists on it when there is a password.
    """

    def __init__(self, url: SecretStr) -> None:
        parts = urlsplit(url.get_secret_value())
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise ValueError("an address like smtp://host:port or smtps://host:port is needed")
        self._host = parts.hostname
        self._port = parts.port
        self._username = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._tls = parts.scheme == "smtps"

    async def send(self, message: EmailMessage) -> None:
        """Send the message. Raises MailNotSent."""
        try:
            await aiosmtplib.send(
                message,
                hostname=self._host,
                port=self._port,
                username=self._username,
                password=self._password,
                use_tls=self._tls,
                start_tls=True if self._password and not self._tls else None,
                timeout=SMTP_SECONDS,
            )
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailNotSent(type(error).__name__) from error  # its text may hold the address
