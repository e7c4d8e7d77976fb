"""A mail that was promised is sent, once its cause is committed, whatever fails in between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from services.auth.tests.conftest import MailFolder, Person, Sql, register, text_of

from auth_service.clients.mail import FolderMail, MailNotSent, SmtpMail
from auth_service.services.mailing import Mailer

pytestmark = pytest.mark.integration


@dataclass
class Gate:
    """A mail server that can be away."""

    open: bool = False
    taken: list[EmailMessage] = field(default_factory=list)

    async def send(self, message: EmailMessage) -> None:
        """Take the message, or not."""
        if not self.open:
            raise MailNotSent("closed")
        self.taken.append(message)


@pytest.fixture
async def pending(app: FastAPI, sql: Sql) -> Mailer:
    """One mail in the outbox, as a crash before its delivery leaves it, and a mailer with a gate."""
    await sql(
        "INSERT INTO outbox_mail (recipient, subject, text_body, html_body, next_attempt_at) "
        "VALUES ('ada@example.com', 'Hello', 'text', '<p>html</p>', now() + interval '1 hour')"
    )
    return Mailer(app.state.database, Gate(), mail_from="Appraise <no-reply@example.com>")


def gate_of(mailer: Mailer) -> Gate:
    gate = mailer._sender
    assert isinstance(gate, Gate)
    return gate


async def due(sql: Sql) -> None:
    await sql("UPDATE outbox_mail SET next_attempt_at = now()")


async def test_a_sent_mail_loses_its_texts(ada: Person, mails: MailFolder, sql: Sql) -> None:
    assert len(await mails.to(ada.address)) == 1
    (row,) = await sql("SELECT text_body, html_body, sent_at, attempts FROM outbox_mail")
    assert (row["text_body"], row["html_body"], row["attempts"]) == (None, None, 1)
    assert row["sent_at"] is not None


async def test_a_mail_that_fails_waits_longer_each_time_and_is_sent_once_at_last(pending: Mailer, sql: Sql) -> None:
    waits = []
    for _ in range(9):
        await due(sql)
        async with asyncio.timeout(20):
            await pending.deliver()
        (row,) = await sql("SELECT extract(epoch FROM next_attempt_at - now()) AS wait, sent_at FROM outbox_mail")
        assert row["sent_at"] is None
        waits.append(round(float(row["wait"]) / 10) * 10)
    assert waits == [20, 40, 80, 160, 320, 640, 1280, 2560, 3600]

    gate_of(pending).open = True
    await due(sql)
    await pending.deliver()
    await due(sql)
    await pending.deliver()

    (message,) = gate_of(pending).taken
    assert (message["To"], message["From"]) == ("ada@example.com", "Appraise <no-reply@example.com>")
    assert text_of(message) == "text\n"


async def test_many_mailers_send_a_mail_once(pending: Mailer, app: FastAPI, sql: Sql) -> None:
    gate = gate_of(pending)
    gate.open = True
    mailers = [Mailer(app.state.database, gate, mail_from="a@example.com") for _ in range(8)]
    await due(sql)
    await asyncio.gather(*(mailer.deliver() for mailer in mailers))
    # The service's own mailer may have been quicker: then the folder has it.
    assert len(gate.taken) <= 1
    (row,) = await sql("SELECT attempts, sent_at FROM outbox_mail")
    assert row["attempts"] == 1


async def test_a_waiting_mail_does_not_hold_up_others(
    pending: Mailer, client: httpx.AsyncClient, mails: MailFolder
) -> None:
    await register(client, "eve@example.com")
    assert len(await mails.to("eve@example.com")) == 1


async def test_a_mail_in_the_folder_is_a_whole_one(tmp_path: Path) -> None:
    message = EmailMessage()
    message["Message-ID"] = "<0190-abc@appraise>"
    message.set_content("text")
    folder = tmp_path / "new" / "mail"
    await FolderMail(folder).send(message)
    (path,) = folder.iterdir()
    assert path.name.endswith("Z-0190-abc.eml")
    assert path.read_bytes() == message.as_bytes()


async def test_a_folder_that_can_not_be_written_is_a_failure_to_send(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file, not a folder")
    with pytest.raises(MailNotSent):
        await FolderMail(tmp_path / "mail").send(EmailMessage())


@asynccontextmanager
async def smtp_server(*, accept: bool = True) -> AsyncIterator[tuple[int, list[str]]]:
    """The least of RFC 5321 that a client can talk to: its port, and what was said to it."""
    said: list[str] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        in_data = False
        while line := (await reader.readline()).decode():
            said.append(line.rstrip("\r\n"))
            verb = line[:4].upper()
            if in_data and line != ".\r\n":
                continue
            if verb == "DATA":
                in_data = True
                answer = "354 go on"
            elif verb == "QUIT":
                answer = "221 bye"
            elif verb == "RCPT" and not accept:
                answer = "550 no such user"
            else:
                in_data = False
                answer = "250 ok"
            writer.write(f"{answer}\r\n".encode())
            await writer.drain()
            if verb == "QUIT":
                break
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], said


def message_to(address: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Appraise <no-reply@example.com>", address, "Hello"
    message.set_content("a line of text")
    return message


async def test_smtp_takes_the_mail() -> None:
    async with smtp_server() as (port, said):
        await SmtpMail(SecretStr(f"smtp://127.0.0.1:{port}")).send(message_to("ada@example.com"))
    assert any(line.upper().startswith("MAIL FROM:<NO-REPLY@EXAMPLE.COM>") for line in said)
    assert any(line.upper().startswith("RCPT TO:<ADA@EXAMPLE.COM>") for line in said)
    assert "a line of text" in said


async def test_smtp_that_refuses_or_is_away_is_a_failure_to_send() -> None:
    async with smtp_server(accept=False) as (port, _said):
        with pytest.raises(MailNotSent) as caught:
            await SmtpMail(SecretStr(f"smtp://127.0.0.1:{port}")).send(message_to("ada@example.com"))
        assert "ada" not in str(caught.value)
    with pytest.raises(MailNotSent):
        await SmtpMail(SecretStr(f"smtp://127.0.0.1:{port}")).send(message_to("ada@example.com"))


async def test_a_password_is_never_sent_in_the_clear() -> None:
    async with smtp_server() as (port, said):
        with pytest.raises(MailNotSent):
            await SmtpMail(SecretStr(f"smtp://me:hunter2@127.0.0.1:{port}")).send(message_to("ada@example.com"))
    assert not any(line.upper().startswith("AUTH") for line in said)


@pytest.mark.parametrize("url", ["http://mail.test", "smtp://", "mail.test:25"])
def test_an_address_that_is_no_mail_server_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="smtp://host:port"):
        SmtpMail(SecretStr(url))
