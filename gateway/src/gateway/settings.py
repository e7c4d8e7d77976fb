"""What the gateway reads from its environment."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from pydantic_settings import SettingsConfigDict

from servicekit.settings import ServiceSettings


def _plain_address(url: str) -> str:
    parts = urlsplit(url)
    extra = parts.path.rstrip("/") or parts.query or parts.fragment or parts.username
    if parts.scheme != "http" or not parts.hostname or extra:
        raise ValueError("must be http://host:port")
    return f"http://{parts.hostname}:{parts.port or 80}"


UpstreamUrl = Annotated[str, AfterValidator(_plain_address)]
Seconds = Annotated[float, Field(gt=0, le=3600)]


class Settings(ServiceSettings):
    """Where the services are, and how long and how much the door allows."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_")

    auth_url: UpstreamUrl
    catalog_url: UpstreamUrl
    rewards_url: UpstreamUrl
    isin_url: UpstreamUrl
    web_url: UpstreamUrl

    rate_limits: bool = Field(default=True, description="on or off")
    hsts: bool = Field(default=False, description="the public address is https: say so to browsers and to services")
    upstream_connections: int = Field(default=256, ge=1, le=10_000, description="for each upstream")
    connect_seconds: Seconds = 2.0
    header_seconds: Seconds = Field(default=30.0, description="from the whole request to the head of the answer")
    idle_seconds: Seconds = Field(default=60.0, description="the longest silence inside a body, on either side")

    @property
    def upstreams(self) -> dict[str, str]:
        """The address of each upstream by its name in the route table."""
        return {name: getattr(self, f"{name}_url") for name in ("auth", "catalog", "rewards", "isin", "web")}
