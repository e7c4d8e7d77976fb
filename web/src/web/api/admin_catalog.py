"""The catalogue in the hands of an administrator."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from web.api.answers import Answer, Listed
from web.api.calls import Calls, Content, Values, given, read
from web.api.catalog import App


class Price(Answer):
    """What an app was worth from a moment on."""

    points: int
    previous_points: int | None
    changed_by: UUID
    changed_at: datetime


class Translation(Answer):
    """An app's texts in a further language."""

    locale: str
    name: str
    summary: str
    description: str


class Change(Answer):
    """Something that an administrator did; ``fields`` has what it was before and after."""

    subject_id: UUID
    action: str
    fields: dict[str, Any]
    changed_by: UUID
    changed_at: datetime


class CategoryNode(Answer):
    """A category by itself."""

    id: UUID
    slug: str
    name: str
    parent: str | None
    position: int


class LeftOut(Answer):
    """A row that an import left out."""

    row: int
    package_name: str | None
    detail: str


class Import(Answer):
    """How far an import is, or what came of it."""

    id: UUID
    format: str
    dry_run: bool
    status: str
    total: int
    created: int
    updated: int
    unchanged: int
    rejected: int
    errors: list[LeftOut]
    detail: str | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class AdminCatalog:
    """Apps, their texts and icons, categories, imports, and the log of all that."""

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

    async def set_icon(self, app_id: UUID, picture: Content) -> None:
        """A new icon."""
        await self.calls.send("PUT", f"/apps/{app_id}/icon", content=picture)

    async def remove_icon(self, app_id: UUID, etag: str) -> None:
        """No icon any more."""
        await self.calls.send("DELETE", f"/apps/{app_id}/icon", headers={"If-Match": etag})

    async def prices(self, app_id: UUID) -> list[Price]:
        """The newest prices."""
        return read(Listed[Price], await self.calls.send("GET", f"/apps/{app_id}/points-history")).items

    async def translations(self, app_id: UUID) -> list[Translation]:
        """The texts in further languages."""
        return read(Listed[Translation], await self.calls.send("GET", f"/apps/{app_id}/translations")).items

    async def translate(self, app_id: UUID, locale: str, values: Values) -> None:
        """Add a language, or replace its texts."""
        await self.calls.send("PUT", f"/apps/{app_id}/translations/{locale}", json=values)

    async def untranslate(self, app_id: UUID, locale: str, etag: str) -> None:
        """Take a language away."""
        await self.calls.send("DELETE", f"/apps/{app_id}/translations/{locale}", headers={"If-Match": etag})

    async def changes(self, query: Values, app_id: UUID | None = None) -> Listed[Change]:
        """What administrators did to the catalogue, or to one app, newest first."""
        path = f"/apps/{app_id}/audit-events" if app_id else "/apps/audit-events"
        return read(Listed[Change], await self.calls.send("GET", path, params=given(query)))

    async def category(self, category_id: UUID) -> tuple[CategoryNode, str]:
        """One category and its ETag."""
        answer = await self.calls.send("GET", f"/categories/{category_id}")
        return read(CategoryNode, answer), answer.headers.get("etag", "")

    async def add_category(self, values: Values) -> None:
        """A new category, or a child of one."""
        await self.calls.send("POST", "/categories", json=values)

    async def change_category(self, category_id: UUID, etag: str, values: Values) -> None:
        """Another name or place."""
        await self.calls.send("PATCH", f"/categories/{category_id}", json=values, headers={"If-Match": etag})

    async def remove_category(self, category_id: UUID, etag: str) -> None:
        """Remove one that no app is in."""
        await self.calls.send("DELETE", f"/categories/{category_id}", headers={"If-Match": etag})

    async def start_import(self, content: Content, query: Values) -> Import:
        """Begin an import of a file."""
        return read(Import, await self.calls.send("POST", "/apps/import", params=query, content=content))

    async def get_import(self, import_id: UUID) -> Import:
        """How far an import is."""
        return read(Import, await self.calls.send("GET", f"/imports/{import_id}"))
