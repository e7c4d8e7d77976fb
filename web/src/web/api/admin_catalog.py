"""The catalogue in the hands of an administrator."""

from dataclasses import dataclass
from uuid import UUID

from web.api.calls import Calls, Values, read
from web.api.catalog import App


@dataclass(frozen=True)
class AdminCatalog:
    """Add, change, publish and archive apps."""

    calls: Calls

    async def create(self, values: Values) -> App:
        """A new draft."""
        return read(App, await self.calls.send("POST", "/apps", json=values))

    async def change(self, app_id: UUID, etag: str, values: Values) -> None:
        """Change an app of which ``etag`` has been seen."""
        await self.calls.send("PATCH", f"/apps/{app_id}", json=values, headers={"If-Match": etag})

    async def publish(self, app_id: UUID) -> None:
        """Show an app to everyone."""
        await self.calls.send("POST", f"/apps/{app_id}/publish")

    async def archive(self, app_id: UUID) -> None:
        """Take an app out of the catalogue."""
        await self.calls.send("POST", f"/apps/{app_id}/archive")
