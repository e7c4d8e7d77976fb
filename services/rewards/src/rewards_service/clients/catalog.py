"""The catalogue service."""

from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

import httpx
from pydantic import BaseModel, ValidationError

from servicekit.problems import Unavailable


class CatalogApp(BaseModel):
    """What matters here of an app that is published, or was."""

    id: UUID
    name: str
    package_name: str
    points: int
    status: Literal["published", "archived"]
    max_completions: int | None = None
    max_completions_per_day: int | None = None
    available_from: datetime | None = None
    available_until: datetime | None = None


class Catalog(Protocol):
    """Where apps are looked up."""

    async def app(self, app_id: UUID) -> CatalogApp | None:
        """The app, or None when there is none that the public may see. Raises Unavailable."""


class HttpCatalog:
    """The catalogue service over HTTP."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self._url = url.rstrip("/")
        self._client = client

    async def app(self, app_id: UUID) -> CatalogApp | None:
        """The app, or None when there is none that the public may see. Raises Unavailable."""
        try:
            response = await self._client.get(f"{self._url}/api/v1/apps/{app_id}")
            if response.status_code == httpx.codes.NOT_FOUND:
                return None
            return CatalogApp.model_validate_json(response.raise_for_status().content)
        except (httpx.HTTPError, ValidationError) as error:
            raise Unavailable("The catalogue can't be asked at the moment.") from error


class FakeCatalog:
    """A catalogue in memory."""

    def __init__(self) -> None:
        self.apps: dict[UUID, CatalogApp] = {}
        self.down = False

    async def app(self, app_id: UUID) -> CatalogApp | None:
        """The app, or None. Raises Unavailable while ``down``."""
        if self.down:
            raise Unavailable("The catalogue can't be asked at the moment.")
        return self.apps.get(app_id)
