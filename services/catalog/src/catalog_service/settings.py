"""What the catalogue reads from its environment."""

from pydantic_settings import SettingsConfigDict

from servicekit.settings import ApiSettings


class Settings(ApiSettings):
    """The catalogue needs nothing beyond what every API needs."""

    model_config = SettingsConfigDict(env_prefix="CATALOG_")
