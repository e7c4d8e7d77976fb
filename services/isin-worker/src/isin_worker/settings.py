"""What the service reads from its environment, prefix ``ISIN_``."""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from isin_worker.feeds import BUILT_IN
from servicekit.settings import ApiSettings


def _feed_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("a feed's address starts with http:// or https://")
    if parts.username is not None:
        raise ValueError("no password in a feed's address: every run shows where its list came from")
    return url


def _known_feeds(urls: dict[str, str]) -> dict[str, str]:
    if unknown := sorted(set(urls) - set(BUILT_IN)):
        raise ValueError(f"no feed is named {', '.join(unknown)}; there are: {', '.join(BUILT_IN)}")
    return urls


class Settings(ApiSettings):
    """Settings of the API, the worker and the commands."""

    model_config = SettingsConfigDict(env_prefix="ISIN_")

    redis_url: SecretStr | None = Field(
        default=None, description="redis://:password@host:port/number; needed by `worker`, a convenience for `serve`"
    )
    feed_urls: Annotated[dict[str, Annotated[str, AfterValidator(_feed_url)]], AfterValidator(_known_feeds)] = Field(
        default={}, description="addresses that replace the publishers', as a JSON object by feed name"
    )
    spool_dir: Path = Field(default=Path("var/isin-spool"), description="where downloads wait until they are published")
    lease_seconds: float = Field(default=60, ge=1, le=3600, description="how long a run outlives its worker")
    fetch_seconds: float = Field(default=300, ge=1, le=3600, description="the most that one download may take")
    max_attempts: int = Field(default=12, ge=1, le=100, description="attempts of a run before it is dead")
    backoff_seconds: float = Field(
        default=60, ge=0.01, le=3600, description="the wait after the first failure; it doubles, up to two hours"
    )
