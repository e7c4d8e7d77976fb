"""Every process of the platform: its command, its port, its settings. The one table to change when a name changes."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from local_stack.databases import cluster_fingerprint, fingerprint
from local_stack.embedded.postgres import Postgres
from local_stack.embedded.valkey import Valkey
from local_stack.launch import Launch
from local_stack.ports import free_ports
from local_stack.secrets_store import SecretsStore
from local_stack.settings import Settings

HOST = "127.0.0.1"
# The pages call the API from an address of their own, which the gateway believes when it says whom it calls for. Only
# Linux has all of 127.0.0.0/8; elsewhere all visitors of the pages count as one.
WEB_CALLS_FROM = "127.0.0.2" if sys.platform == "linux" else ""
FEED_PATH = "/content/equities/EQUITY_L.csv"


@dataclass(frozen=True)
class Service:
    """One package that runs here."""

    name: str  # of its log lines, its database and its role
    package: str
    prefix: str  # of its settings
    database: bool = False
    valkey_database: int | None = None


AUTH = Service("auth", "auth_service", "AUTH_", database=True)
CATALOG = Service("catalog", "catalog_service", "CATALOG_", database=True)
REWARDS = Service("rewards", "rewards_service", "REWARDS_", database=True, valkey_database=2)
ISIN = Service("isin", "isin_worker", "ISIN_", database=True, valkey_database=0)
WEB = Service("web", "web", "WEB_", valkey_database=1)
GATEWAY = Service("gateway", "gateway", "GATEWAY_", valkey_database=3)
SERVICES = (AUTH, CATALOG, REWARDS, ISIN, WEB, GATEWAY)


@dataclass
class Site:
    """Where everything is on this machine, this time."""

    settings: Settings
    secrets: SecretsStore
    environment: Mapping[str, str]  # of whoever started us: what it sets wins over the table below
    postgres: Postgres | None = None
    valkey: Valkey | None = None
    ports: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [service.name for service in SERVICES if service is not GATEWAY] + ["demo-feed"]
        self.ports = dict(zip(names, free_ports(len(names)), strict=True)) | {"gateway": self.settings.port}

    def url(self, service: Service) -> str:
        """The address of a service."""
        return f"http://{HOST}:{self.ports[service.name]}"

    def feed_url(self) -> str:
        """Where the demo feed is served."""
        return f"http://{HOST}:{self.ports['demo-feed']}{FEED_PATH}"

    def data_fingerprint(self) -> str:
        """Tells the stores of this stack from those of another, or of none."""
        outside = [self.environment.get(f"{service.prefix}DATABASE_URL", "") for service in SERVICES]
        return fingerprint(cluster_fingerprint(self.postgres.data) if self.postgres else "", *outside)

    def settings_of(self, service: Service) -> dict[str, str]:
        """The settings of a service, each a variable with its prefix."""
        ours = {"ENVIRONMENT": "local", "LOG_FORMAT": "console"}
        ours |= self._stores(service)
        ours |= self._tokens(service)
        ours |= self._own(service)
        theirs = {name: value for name, value in self.environment.items() if name.startswith(service.prefix)}
        return {service.prefix + name: value for name, value in ours.items()} | theirs

    def launch(self, service: Service, *command: str) -> Launch:
        """How to start a command of a service: it sees its own settings and nobody else's."""
        return Launch(
            argv=(sys.executable, "-m", service.package, *command), env=self._inherited() | self.settings_of(service)
        )

    def serve(self, service: Service) -> Launch:
        """How to start the HTTP server of a service."""
        return self.launch(service, "serve", "--host", HOST, "--port", str(self.ports[service.name]))

    def demo_feed(self) -> Launch:
        """How to start the server of the demo feed."""
        command = ("demo-feed", "--port", str(self.ports["demo-feed"]))
        return Launch(argv=(sys.executable, "-m", "local_stack", *command), env=self._inherited())

    def _inherited(self) -> dict[str, str]:
        ours = ("APPRAISE_", *(service.prefix for service in SERVICES))
        inherited = {name: value for name, value in self.environment.items() if not name.startswith(ours)}
        return inherited | {"PYTHONUNBUFFERED": "1"}

    def _stores(self, service: Service) -> dict[str, str]:
        stores = {}
        if service.database:
            stores["CURSOR_SECRET"] = self.secrets.get(f"{service.name}-cursor")
            if self.postgres:
                password = self.secrets.get(f"{service.name}-database")
                stores["DATABASE_URL"] = self.postgres.url(service.name, service.name, password)
        if service.valkey_database is not None and self.valkey:
            stores["REDIS_URL"] = self.valkey.url(service.valkey_database)
        return stores

    def _tokens(self, service: Service) -> dict[str, str]:
        issuer = {"TOKEN_ISSUER": self.url(GATEWAY)}
        if service is AUTH:  # it knows its own keys and sessions
            return issuer
        keys = {"JWKS_URL": "/.well-known/jwks.json", "REVOCATIONS_URL": "/internal/revocations"}
        return issuer | {name: self.url(AUTH) + path for name, path in keys.items()}

    def _own(self, service: Service) -> dict[str, str]:
        var, gateway = self.settings.var, self.url(GATEWAY)
        match service.name:
            case "auth":
                return {
                    "SIGNING_KEY_SECRET": self.secrets.get("auth-signing-key"),
                    "MAIL_DIR": str(var / "mail"),
                    "WEB_URL": gateway,
                }
            case "catalog":
                return {"BLOB_URL": (var / "icons").as_uri()}
            case "rewards":
                return {
                    "CATALOG_URL": self.url(CATALOG),
                    "AUTH_URL": self.url(AUTH),
                    "BLOB_URL": (var / "blobs").as_uri(),
                }
            case "isin":
                demo = {
                    "FEED_URLS": json.dumps({"nse-equity": self.feed_url()}),
                    "PRIVATE_HOSTS": json.dumps([HOST]),
                }
                return {"SPOOL_DIR": str(var / "spool"), **(demo if self.settings.demo else {})}
            case "web":
                return {
                    "API_URL": gateway,
                    "API_FROM": WEB_CALLS_FROM,
                    "SECURE_COOKIES": "false",
                    "SESSION_SECRET": self.secrets.get("web-session"),
                }
            case "gateway":
                behind = {f"{other.name.upper()}_URL": self.url(other) for other in SERVICES if other is not GATEWAY}
                limits = "on" if self.settings.rate_limits else "off"
                return behind | {"RATE_LIMITS": limits, "TRUSTED_PROXIES": WEB_CALLS_FROM}
        return {}


def needs_postgres(environment: Mapping[str, str]) -> bool:
    """Whether any service is left without an outside database."""
    return any(f"{service.prefix}DATABASE_URL" not in environment for service in SERVICES if service.database)


def needs_valkey(environment: Mapping[str, str]) -> bool:
    """Whether any service is left without an outside Redis. The gateway can do without: it is alone here."""
    users = [service for service in SERVICES if service.valkey_database is not None and service is not GATEWAY]
    return any(f"{service.prefix}REDIS_URL" not in environment for service in users)


def write_environment_files(site: Site) -> None:
    """`var/run/<service>.env`: what a command of that service needs to reach the running stack."""
    for service in SERVICES:
        file = site.settings.var / "run" / f"{service.name}.env"
        file.unlink(missing_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.writelines(f"{name}='{value}'\n" for name, value in site.settings_of(service).items())


def remove_environment_files(site: Site) -> None:
    """They name ports that nothing answers on any more."""
    for service in SERVICES:
        (site.settings.var / "run" / f"{service.name}.env").unlink(missing_ok=True)
