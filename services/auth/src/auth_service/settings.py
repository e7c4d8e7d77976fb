"""What the service reads from its environment, with the prefix ``AUTH_``."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from auth_service.addresses import normalise_email
from auth_service.password_policy import fault_of, normal_form
from servicekit.settings import ApiSettings, StrongSecret

PLACEHOLDER = re.compile(r"change.?me|example|placeholder|your.?secret|insert.?here", re.IGNORECASE)
MIN_DATABASE_PASSWORD = 12


def _without_slash(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError("an http:// or https:// address is needed")
    return url.rstrip("/")


class Settings(ApiSettings):
    """The settings of auth."""

    model_config = SettingsConfigDict(env_prefix="AUTH_")

    signing_key_secret: StrongSecret = Field(description="encrypts the private signing keys in the database")
    web_url: Annotated[str, AfterValidator(_without_slash)] = Field(
        default="http://127.0.0.1:8000", description="the address of the pages, for the links in mails"
    )
    mail_from: str = Field(default="Appraise <no-reply@localhost>", description="the sender of mails")
    mail_dir: Path | None = Field(default=None, description="a folder for mails, when there is no SMTP server")
    smtp_url: SecretStr | None = Field(default=None, description="smtp://user:password@host:port, or smtps://")
    shared_networks: frozenset[str] = Field(
        default=frozenset({"127.0.0.1", "::/64"}),
        description="addresses, or /64 networks of IPv6, that many people call from: the web pages' own, to begin with",
    )
    admin_email: Annotated[str, AfterValidator(normalise_email)] | None = Field(
        default=None, description="the first admin, made at start-up when absent"
    )
    admin_password: SecretStr | None = Field(default=None, description="the first admin's password")

    @classmethod
    def example(cls, **values: object) -> Self:
        """Settings good enough to describe the service, never to run it."""
        return super().example(**{"mail_dir": "mail", **values})

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.mail_dir is None and self.smtp_url is None:
            raise ValueError("AUTH_MAIL_DIR (a folder) or AUTH_SMTP_URL is needed, or nobody can verify an address")
        if (self.admin_email is None) != (self.admin_password is None):
            raise ValueError("AUTH_ADMIN_EMAIL and AUTH_ADMIN_PASSWORD are needed together, or neither")
        if self.admin_email is not None and self.admin_password is not None:
            password = normal_form(self.admin_password.get_secret_value())
            fault = fault_of(password, email=self.admin_email, name=ADMIN_NAME)
            if fault is not None:
                raise ValueError(f"AUTH_ADMIN_PASSWORD: {fault[1]}")
        return self

    @model_validator(mode="after")
    def _good_enough_for_production(self) -> Self:
        if self.environment == "production" and (faults := list(self._weaknesses())):
            raise ValueError("\n".join(faults))
        return self

    def _weaknesses(self) -> Iterator[str]:
        secrets = {
            "AUTH_CURSOR_SECRET": self.cursor_secret.get_secret_value(),
            "AUTH_SIGNING_KEY_SECRET": self.signing_key_secret.get_secret_value(),
        }
        for name, secret in secrets.items():
            if PLACEHOLDER.search(secret):
                yield f"{name}: this is a placeholder from a text; set random characters of your own"
        if len(set(secrets.values())) < len(secrets):
            yield "AUTH_SIGNING_KEY_SECRET: it must not be the same as AUTH_CURSOR_SECRET"
        database = urlsplit(self.database_url.get_secret_value())
        if database.hostname and len(database.password or "") < MIN_DATABASE_PASSWORD:
            yield f"AUTH_DATABASE_URL: a password of at least {MIN_DATABASE_PASSWORD} characters is needed"
        if self.smtp_url is not None:
            mail = urlsplit(self.smtp_url.get_secret_value())
            if mail.username and not mail.password:
                yield "AUTH_SMTP_URL: there is a user but no password"


ADMIN_NAME = "Administrator"
