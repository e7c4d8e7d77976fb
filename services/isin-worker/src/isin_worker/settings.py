"""What the service reads from its environment, prefix ``ISIN_``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, StringConstraints, model_validator
from pydantic_settings import SettingsConfigDict

from isin_worker.feeds import Feed, declared_feeds, enabled_feeds
from isin_worker.feeds.configured import Address, WrongFeeds
from servicekit.settings import ApiSettings


class Settings(ApiSettings):
    """Settings of the API, the worker and the commands."""

    model_config = SettingsConfigDict(env_prefix="ISIN_")

    redis_url: SecretStr | None = Field(
        default=None, description="redis://:password@host:port/number; needed by `worker`, a convenience for `serve`"
    )
    feeds: list[str] = Field(default=["nse-equity"], min_length=1, description="which lists are read, as a JSON array")
    feeds_file: Path | None = Field(default=None, description="a TOML file that declares further feeds")
    feed_urls: dict[str, Address] = Field(
        default={}, description="addresses that replace the publishers', as a JSON object by feed name"
    )
    firds_categories: Annotated[str, StringConstraints(pattern=r"^[CDEFHIJORS]+$")] = Field(
        default="CDE", description="the first letters of the CFI codes that are read of FIRDS"
    )
    private_hosts: frozenset[str] = Field(
        default=frozenset(), description="hosts that may be at addresses which are not public, such as a mirror's"
    )
    spool_dir: Path = Field(default=Path("var/isin-spool"), description="where downloads wait until they are published")
    lease_seconds: float = Field(default=60, ge=1, le=3600, description="how long a run outlives its worker")
    fetch_seconds: float = Field(default=300, ge=1, le=3600, description="the most that one download may take")
    max_attempts: int = Field(default=12, ge=1, le=100, description="attempts of a run before it is dead")
    backoff_seconds: float = Field(
        default=60, ge=0.01, le=3600, description="the wait after the first failure; it doubles, up to two hours"
    )

    @model_validator(mode="after")
    def _feeds_are_declared(self) -> Self:
        try:
            known = declared_feeds(self.feeds_file)
        except (OSError, WrongFeeds) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise ValueError(f"ISIN_FEEDS_FILE: {self.feeds_file}: {reason}") from None
        if unknown := sorted({*self.feeds, *self.feed_urls} - set(known)):
            raise ValueError(f"no feed is named {', '.join(unknown)}; there are: {', '.join(known)}")
        return self

    def enabled_feeds(self) -> Mapping[str, Feed]:
        """The lists that are read, by name."""
        return enabled_feeds(self.feeds, self.feed_urls, self.firds_categories, self.feeds_file)
