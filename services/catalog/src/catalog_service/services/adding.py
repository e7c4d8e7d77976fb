"""New apps. They begin as drafts."""

from typing import Any
from uuid import UUID

from catalog_service.errors import PackageExists
from catalog_service.repositories.app_inserts import AppInserts
from catalog_service.repositories.app_rows import STORE_LINK
from catalog_service.schemas import AppCreate
from catalog_service.services.app_views import AppView, view
from catalog_service.services.rules import check_window, unknown_category
from servicekit.problems import DomainError


class AppAdder:
    """Adds apps for administrators."""

    def __init__(self, apps: AppInserts) -> None:
        self._apps = apps

    async def add(self, new: AppCreate, *, by: UUID) -> AppView:
        """A new draft. Raises PackageExists, and RuleViolation for a category that does not exist."""
        values = new.model_dump(exclude={"store_url"})
        check_window(values)
        row = await self._apps.add(values, _noted(new), by=by)
        if row is None:
            raise await self._fault(new)
        return view(row)

    async def _fault(self, new: AppCreate) -> DomainError:
        """Why it could not be added."""
        wanted = {new.category, *new.more_categories} | ({new.subcategory} if new.subcategory else set())
        parents = await self._apps.parents(sorted(wanted))
        for place, slug in enumerate(new.more_categories):
            if slug not in parents:
                return unknown_category(f"/more_categories/{place}", "There is no such category")
        if parents.get(new.category, new.category) is not None:
            return unknown_category("/category", "There is no such category on the upper level")
        if new.subcategory is not None and parents.get(new.subcategory) != new.category:
            return unknown_category("/subcategory", "The category has no such child")
        return PackageExists()


def _noted(new: AppCreate) -> dict[str, Any]:
    fields = new.model_dump(mode="json", exclude={"store_url"}, exclude_none=True)
    fields |= {"store_url": f"{STORE_LINK}{new.package_name}", "status": "draft"}
    return {name: [None, value] for name, value in fields.items()}
