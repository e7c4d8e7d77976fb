"""What the catalogue reads from its environment."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from servicekit.settings import ApiSettings


class Settings(ApiSettings):
    """Settings of the catalogue: ``CATALOG_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="CATALOG_")

    blob_url: str = Field(description="where icons are kept: file:///path, s3://bucket/path, ...")
    import_points: int = Field(default=100, ge=1, le=1_000_000, description="what an imported app is worth at first")
