"""What the pages read from the environment: ``WEB_*``."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from servicekit.settings import ServiceSettings, StrongSecret

DAY = 86_400


def _origin(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError("an address that begins with http:// or https:// is needed")
    return url.rstrip("/")


Origin = Annotated[str, AfterValidator(_origin)]


class Settings(ServiceSettings):
    """Where the API and the sessions are, and how the cookie is set."""

    model_config = SettingsConfigDict(env_prefix="WEB_")

    api_url: Origin = Field(description="the gateway, whose public REST API is all that the pages use")
    api_from: str = Field(default="", description="the address that calls to the API come from; none: any")
    redis_url: SecretStr = Field(description="redis://:password@host:port/0, where the sessions are")
    session_secret: StrongSecret = Field(description="encrypts the sessions and signs the form tokens")
    secure_cookies: bool = Field(default=True, description="false only for plain http on this machine")
    public_url: Origin | None = Field(
        default=None, description="the address in the browser; without it forms compare Origin with Host"
    )
    session_idle_seconds: int = Field(default=7 * DAY, ge=60, description="a session unused for so long is forgotten")
    undo_seconds: int = Field(default=5, ge=0, le=60, description="so long a reviewer can take a decision back")

    def cookie(self, name: str) -> str:
        """The full name of a cookie: browsers keep a ``__Host-`` one to this host, to https and to the path /."""
        return f"__Host-{name}" if self.secure_cookies else name
