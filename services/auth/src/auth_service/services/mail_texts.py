"""The texts of mails, from the templates beside this package.

They never repeat what somebody typed: a mail must not carry a stranger's words to an address that is not proven.
"""

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

    def _verification_link(self, token: str) -> str:
        return f"{self._web_url}/verify-email?token={token}"

    def _render(self, template: str, subject: str, **values: str | None) -> MailTexts:
        text, html = (
            self._environment.get_template(f"{template}.{kind}").render(subject=subject, **values)
            for kind in ("txt", "html")
        )
        return MailTexts(subject, text, html)
