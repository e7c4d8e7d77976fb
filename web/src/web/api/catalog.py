"""The catalogue of apps."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from web.api.answers import Answer, Listed
from web.api.calls import Calls, Values, given, read


class Subcategory(Answer):
    """A category of the lower level."""

    id: UUID
    slug: str
    name: str


class Category(Subcategory):
    """A category of the upper level with its children."""

    children: list[Subcategory]


class App(Answer):
    """An app of the catalogue."""

    id: UUID
    package_name: str
    name: str
    summary: str
    description: str
    store_url: str | None
    icon_url: str | None
    category: str
    subcategory: str | None
    points: int
    status: str
    max_completions: int | None
    updated_at: datetime
    max_completions_per_day: int | None
    available_from: datetime | None
    available_until: datetime | None
    more_categories: list[str]
    locale: str  # of the texts, which follow Accept-Language


class CategoryCount(Answer):
    """How many apps a category of the upper level has, for the other filters."""

    category: str
    name: str
    count: int


class Facets(Answer):
    """The counts."""

    categories: list[CategoryCount]


class AppPage(Listed[App]):
    """One page of apps."""

    facets: Facets | None = None
    corrected_q: str | None = None  # what was looked for, as nothing is spelt like q


@dataclass(frozen=True)
class Catalog:
    """Apps and their categories, as everyone sees them."""

    calls: Calls

    async def apps(self, query: Values) -> AppPage:
        """Published apps; for admins also those of another ``status``."""
        return read(AppPage, await self.calls.send("GET", "/apps", params=given(query)))

    async def app(self, app_id: UUID) -> tuple[App, str]:
        """One app and its ETag."""
        answer = await self.calls.send("GET", f"/apps/{app_id}")
        return read(App, answer), answer.headers.get("etag", "")

    async def categories(self) -> list[Category]:
        """The tree of categories."""
        return read(Listed[Category], await self.calls.send("GET", "/categories")).items
