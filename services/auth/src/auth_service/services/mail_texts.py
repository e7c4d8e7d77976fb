"""The texts of mails, from the templates beside this package.

They never repeat what somebody typed: a mail must not carry a stranger's words to an address that is not proven.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape


@dataclass(frozen=True, slots=True)
class MailTexts:
    """One mail, ready to send."""

    subject: str
    text: str
    html: str


class MailTemplates:
    """Renders mails with links to the pages at ``web_url``."""

    def __init__(self, web_url: str) -> None:
        self._web_url = web_url
        self._environment = Environment(
            loader=PackageLoader("auth_service"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            keep_trailing_newline=True,
            trim_blocks=True,
        )

    def verify_email(self, token: str) -> MailTexts:
        """To a new account: prove the address."""
        return self._render("verify_email", "Confirm your e-mail address", link=self._verification_link(token))

    def account_exists(self, token: str | None) -> MailTexts:
        """To an account that was registered again; with a new link when its address is not proven yet."""
        link = self._verification_link(token) if token is not None else None
        return self._render("account_exists", "You already have an account", link=link, web_url=self._web_url)

    def reset_password(self, token: str) -> MailTexts:
        """To whoever forgot the password."""
        return self._notice(
            "Choose a new password",
            "Somebody, perhaps you, asked for a new password for your Appraise account. Open this link to choose one."
            " It works once, for an hour:",
            link=f"{self._web_url}/reset-password?token={token}",
            otherwise="If it was not you, ignore this mail: your password stays as it is.",
        )

    def password_changed(self) -> MailTexts:
        """After a change or a reset."""
        return self._notice(
            "Your password was changed",
            "The password of your Appraise account was changed just now, and other sessions were signed out.",
            link=f"{self._web_url}/forgot-password",
            otherwise="If it was not you, ask for a new password at once with the link above.",
        )

    def refresh_reused(self) -> MailTexts:
        """After a session was ended because its refresh token came twice."""
        return self._notice(
            "One of your sessions was ended",
            "A sign-in of your Appraise account was used from two places, as if it had been copied. To be safe, we have"
            " ended that session. Your other sessions go on.",
            link=f"{self._web_url}/login",
            otherwise="Sign in again. If you can not explain it, change your password.",
        )

    def second_factor(self, *, on: bool) -> MailTexts:
        """After the second factor was switched."""
        word = "on" if on else "off"
        return self._notice(
            f"The second factor was switched {word}",
            f"The second factor of your Appraise account was switched {word} just now.",
            link=f"{self._web_url}/forgot-password",
            otherwise="If it was not you, ask for a new password at once with the link above.",
        )

    def account_deleted(self) -> MailTexts:
        """After the end."""
        return self._notice(
            "Your account was deleted",
            "Your Appraise account was deleted, as was asked for while signed in. Your address and name are gone.",
        )

    def _notice(
        self, subject: str, *paragraphs: str, link: str | None = None, otherwise: str | None = None
    ) -> MailTexts:
        return self._render("notice", subject, paragraphs=paragraphs, link=link, otherwise=otherwise)

    def _verification_link(self, token: str) -> str:
        return f"{self._web_url}/verify-email?token={token}"

    def _render(self, template: str, subject: str, **values: str | Sequence[str] | None) -> MailTexts:
        text, html = (
            self._environment.get_template(f"{template}.{kind}").render(subject=subject, **values)
            for kind in ("txt", "html")
        )
        return MailTexts(subject, text, html)
