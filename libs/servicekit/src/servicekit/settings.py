"""What every service reads from its environment.

A service subclasses the blocks it needs and sets its own prefix::

    class Settings(ApiSettings):
        model_config = SettingsConfigDict(env_prefix="CATALOG_")

Secrets have no defaults: a service without them refuses to start and names what is missing.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal, NoReturn, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

MIN_SECRET_LENGTH = 32
MIN_SECRET_ALPHABET = 10
EXIT_CONFIG = 78  # sysexits.h: EX_CONFIG


def _strong(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    repeats = text in (text + text)[1:-1]  # "0123456789" four times over is not 40 random characters
    if len(text) < MIN_SECRET_LENGTH or len(set(text)) < MIN_SECRET_ALPHABET or repeats:
        raise ValueError(f"too weak: at least {MIN_SECRET_LENGTH} random characters are needed")
    return secret


def _postgres(url: SecretStr) -> SecretStr:
    with suppress(ValueError):  # of a port, which repeats what may be a piece of the password
        if (parts := urlsplit(url.get_secret_value())).scheme == "postgresql" and parts.port != 0:
            return url
    raise ValueError("is not postgresql://role:password@host:port/database")


StrongSecret = Annotated[SecretStr, AfterValidator(_strong)]
PostgresUrl = Annotated[SecretStr, AfterValidator(_postgres)]


class ServiceSettings(BaseSettings):
    """The block that every process has."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_nested_delimiter="__", hide_input_in_errors=True)

    environment: Literal["local", "test", "production"] = "production"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"
    traces_url: Annotated[str | None, BeforeValidator(lambda value: value or None)] = Field(
        default=None, description="of an OpenTelemetry collector: http://…:4318/v1/traces; none: nothing is recorded"
    )
    drain_seconds: float = Field(
        0.0, ge=0, le=60, description="after SIGTERM requests are still taken, each answer ending its connection"
    )

    @classmethod
    def example(cls, **values: object) -> Self:
        """Settings good enough to describe the service (its OpenAPI document), never to run it."""
        required = [name for name, field in cls.model_fields.items() if field.is_required()]
        placeholders = dict.fromkeys(required, "postgresql://an-example-that-never-runs-0123456789")
        return cls.model_validate({"environment": "test", **placeholders, **values})


class DatabaseSettings(ServiceSettings):
    """For services with a Postgres database of their own."""

    database_url: PostgresUrl = Field(description="postgresql://role:password@host:port/database")
    database_pool_size: int = Field(default=10, ge=1, le=200)
    cursor_secret: StrongSecret = Field(description="signs the cursors of lists")


class TokenSettings(ServiceSettings):
    """For services that verify access tokens."""

    jwks_url: str | None = Field(None, description="where auth publishes its public keys; auth itself needs none")
    revocations_url: str | None = Field(None, description="where auth says which sessions end; auth itself needs none")
    token_issuer: str = Field(default="http://127.0.0.1:8000", description="the public address of the platform")
    token_audience: str = Field(default="appraise", description="one audience for all services")


class ApiSettings(DatabaseSettings, TokenSettings):
    """For services with a database and an API."""


def local_env_file(kind: type[ServiceSettings]) -> Path:
    """Where the local stack keeps the settings of the service with this prefix."""
    prefix = str(kind.model_config.get("env_prefix", "")).rstrip("_").lower()
    return Path(os.environ.get("APPRAISE_VAR", "var")) / "run" / f"{prefix}.env"


AnySettings = TypeVar("AnySettings", bound=ServiceSettings)


def secrets_folder() -> Path | None:
    """Where Compose and Kubernetes mount secrets: a file for each, named as the setting: ``auth_database_url``."""
    folder = Path(os.environ.get("APPRAISE_SECRETS", "/run/secrets"))
    return folder if folder.is_dir() else None


def load_settings(kind: type[AnySettings]) -> AnySettings:
    """Read the settings from the environment, or end the process with one line for each fault (exit code 78).

    What the environment does not say is taken from the running local stack, which leaves ``var/run/<prefix>.env``:
    so ``isin-worker reconcile`` beside a ``make run`` needs no settings. What neither says may be a secret in a file.
    """
    try:
        return kind(_env_file=local_env_file(kind), _secrets_dir=secrets_folder())
    except ValidationError as error:
        _refuse(kind.model_config.get("env_prefix", ""), error)


def _refuse(prefix: str, error: ValidationError) -> NoReturn:
    for fault in error.errors(include_input=False, include_url=False):
        text = "is not set" if fault["type"] == "missing" else fault["msg"].removeprefix("Value error, ")
        name = "__".join(str(part) for part in fault["loc"]).upper()
        # A fault of several fields together has no place of its own; its text names them.
        sys.stderr.write(f"{prefix}{name}: {text}\n" if name else f"{text}\n")
    raise SystemExit(EXIT_CONFIG)
