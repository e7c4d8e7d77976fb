"""What the gateway reads from its environment."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from gateway.routes import SERVICES
from servicekit.settings import TokenSettings

Network = IPv4Network | IPv6Network


def _listed(value: object) -> object:
    """``a, b`` as a list."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _plain_addresses(value: object) -> object:
    parts = _listed(value)
    return [_plain_address(str(url)) for url in parts] if isinstance(parts, (list, tuple)) else parts


def _plain_address(url: str) -> str:
    parts = urlsplit(url)
    extra = parts.path.rstrip("/") or parts.query or parts.fragment or parts.username
    if parts.scheme != "http" or not parts.hostname or extra:
        raise ValueError("must be http://host:port, or several of them with commas between")
    return f"http://{parts.hostname}:{parts.port or 80}"


def _networks(value: object) -> object:
    parts = _listed(value)
    return [ip_network(str(part)) for part in parts] if isinstance(parts, (list, tuple)) else parts


def _hosts(value: object) -> object:
    return value.lower().replace(" ", "").split(",") if isinstance(value, str) else value


UpstreamUrls = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_plain_addresses), Field(min_length=1)]
Seconds = Annotated[float, Field(gt=0, le=3600)]


class Settings(TokenSettings):
    """Where the services are, and how long and how much the door allows."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_")

    auth_url: UpstreamUrls
    catalog_url: UpstreamUrls
    rewards_url: UpstreamUrls
    isin_url: UpstreamUrls
    web_url: UpstreamUrls

    routes_file: Path | None = Field(default=None, description="instead of the table in the package")
    redis_url: SecretStr | None = Field(default=None, description="where replicas share their rate limits")
    rate_limits: bool = Field(default=True, description="on or off")
    hosts: Annotated[frozenset[str], NoDecode, BeforeValidator(_hosts)] = Field(
        default=frozenset(), description="the only values of Host that are served, with their ports; none: any"
    )
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)] = Field(
        default=(), description="addresses or networks whose X-Forwarded-For is believed"
    )
    hsts: bool = Field(default=False, description="the public address is https: say so to browsers and to services")
    upstream_requests: int = Field(default=256, ge=1, le=10_000, description="in flight, for each service")
    upstream_streams: int = Field(default=1000, ge=1, le=100_000, description="event streams, for each service")
    connect_seconds: Seconds = 2.0
    slow_client_seconds: Seconds = Field(default=10.0, description="for a header; and how often body_rate is looked at")
    idle_seconds: Seconds = Field(default=60.0, description="an unused connection of a client is closed after so long")
    body_rate: int = Field(default=512, ge=0, description="bytes a second that an upload needs at least")
    drain_seconds: float = Field(
        default=1.0,
        ge=0,
        le=60,
        description="after SIGTERM requests are still taken, each answer ending its connection",
    )
    access_log: float = Field(default=1.0, ge=0, le=1, description="the share of good answers that get a line")
    traces_share: float = Field(default=0.1, ge=0, le=1, description="of all traces are recorded, if any are")
    metrics_port: int | None = Field(default=None, ge=1, le=65535, description="a private one; none: no metrics")
    metrics_host: str = "127.0.0.1"

    @property
    def upstreams(self) -> dict[str, tuple[str, ...]]:
        """The addresses of each upstream by its name in the route table."""
        return {name: getattr(self, f"{name}_url") for name in SERVICES}

    @model_validator(mode="before")
    @classmethod
    def _keys_come_from_auth(cls, data: dict[str, object]) -> dict[str, object]:
        auth = str(data.get("auth_url") or "").split(",")[0].strip().rstrip("/")
        return {
            "jwks_url": f"{auth}/.well-known/jwks.json",
            "revocations_url": f"{auth}/internal/revocations",
            **data,
        }

    @classmethod
    def example(cls, **values: object) -> Self:
        """Settings good enough to describe the service, never to run it."""
        return super().example(**{f"{name}_url": "http://127.0.0.1:1" for name in SERVICES}, **values)
