"""What the service reads from its environment."""

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from servicekit.settings import ApiSettings


class Settings(ApiSettings):
    """Settings of the rewards service: ``REWARDS_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="REWARDS_")

    catalog_url: str = Field(description="where the catalogue service answers")
    auth_url: str = Field(description="where the auth service answers")
    blob_url: str = Field(description="where pictures are kept: file:///path, s3://bucket/path, ...")
    redis_url: SecretStr | None = Field(
        default=None, description="redis://:password@host:port/number; needed by `worker`, and by nothing else"
    )
    max_streams: int = Field(default=500, ge=1, le=10_000, description="open streams of events, for each process")
    ledger_seconds: float = Field(
        default=300, ge=0, le=86_400, description="how long what the metrics say of the whole ledger may be old"
    )
