"""What mails say."""

from auth_service.services.mail_texts import MailTemplates

TEMPLATES = MailTemplates("https://pages.test")
LINK = "https://pages.test/verify-email?token=abc"


def test_the_link_stands_on_a_line_of_its_own_and_can_be_clicked() -> None:
    mail = TEMPLATES.verify_email("abc")
    assert LINK in mail.text.splitlines()
    assert f'<a href="{LINK}">' in mail.html


def test_the_owner_of_an_unproven_account_gets_a_new_link() -> None:
    mail = TEMPLATES.account_exists("abc")
    assert LINK in mail.text.splitlines()
    assert f'<a href="{LINK}">' in mail.html
    assert "Sign in" not in mail.text


def test_the_owner_of_a_proven_account_is_sent_to_the_door() -> None:
    mail = TEMPLATES.account_exists(None)
    assert "token=" not in mail.text + mail.html
    assert "Sign in at https://pages.test" in mail.text


def test_texts_are_plain_ascii_in_short_lines() -> None:
    for mail in (TEMPLATES.verify_email("a" * 43), TEMPLATES.account_exists("a" * 43), TEMPLATES.account_exists(None)):
        assert (mail.text + mail.html).isascii()
        assert max(len(line) for line in mail.text.splitlines()) <= 120
