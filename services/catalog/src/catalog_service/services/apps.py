"""The life of an app: draft, published, archived. An app is never erased, and an archived one never comes back."""

from typing import Any
from uuid import UUID

from catalog_service.errors import AppArchived
from catalog_service.repositories.app_rows import AppRow
from catalog_service.repositories.apps import AppRepository
from catalog_service.repositories.audit import AuditRepository
from catalog_service.repositories.categories import CategoryRepository
from catalog_service.schemas import AppOut, AppPatch
from catalog_service.services.rules import check_window, unknown_category
from servicekit.conditional import require_match
from servicekit.problems import NotFound, PreconditionRequired


class AppService:
    """Changes apps for administrators."""

    def __init__(self, apps: AppRepository, categories: CategoryRepository, audit: AuditRepository) -> None:
        self._apps = apps
        self._categories = categories
        self._audit = audit

    async def change(self, app_id: UUID, patch: AppPatch, *, if_match: str | None, by: UUID) -> AppOut:
        """Change what the patch names. What is so already is no change: no new version, no new price.

        Raises:
            NotFound: there is no such app.
            PreconditionRequired, PreconditionFailed: without If-Match, or it is stale.
            RuleViolation: there is no such category.
        """
        present = await self._locked(app_id)
        require_match(if_match, present)
        values = _differences(present, patch)
        if not values:
            return present
        check_window({**present.model_dump(), **values})
        if "more_categories" in values:
            await self._check_more(values["more_categories"])
        if "category" in values:
            values |= await self._category_ids(values.pop("category"), values.pop("subcategory"))
        return await self._set(present, "change", values, by=by)

    async def publish(self, app_id: UUID, *, if_match: str | None, by: UUID) -> AppOut:
        """Show a draft to everybody; a published app stays as it is.

        Raises NotFound, AppArchived, and PreconditionFailed for a stale If-Match when there is one.
        """
        present = await self._locked(app_id)
        if if_match is not None:
            require_match(if_match, present)
        if present.status == "archived":
            raise AppArchived
        if present.status == "published":
            return present
        return await self._set(present, "publish", {"status": "published"}, by=by)

    async def archive(self, app_id: UUID, *, if_match: str | None, by: UUID) -> AppOut:
        """Take an app out of the catalogue, whatever its state. Raises as ``publish``, but for AppArchived."""
        present = await self._locked(app_id)
        if if_match is not None:
            require_match(if_match, present)
        if present.status == "archived":
            return present
        return await self._set(present, "archive", {"status": "archived"}, by=by)

    async def set_icon(self, app_id: UUID, sha256: str | None, *, if_match: str | None, by: UUID) -> AppOut:
        """Give the app this stored icon, or none. Raises NotFound, and PreconditionFailed as ``publish``."""
        present = await self._locked(app_id)
        if if_match is not None:
            require_match(if_match, present)
        if (present.icon_url or "").removesuffix(".webp").rpartition("/")[2] == (sha256 or ""):
            return present
        return await self._set(present, "icon", {"icon_sha256": sha256}, by=by)

    async def delete_icon(self, app_id: UUID, *, if_match: str | None, by: UUID) -> None:
        """Take the icon away. Raises as ``set_icon``, and PreconditionRequired."""
        if if_match is None:
            raise PreconditionRequired
        await self.set_icon(app_id, None, if_match=if_match, by=by)

    async def delete(self, app_id: UUID, *, if_match: str | None, by: UUID) -> None:
        """As ``archive``, but only with If-Match. Raises PreconditionRequired too."""
        if if_match is None:
            raise PreconditionRequired
        await self.archive(app_id, if_match=if_match, by=by)

    async def _locked(self, app_id: UUID) -> AppOut:
        return _found(await self._apps.get_for_change(app_id))

    async def _set(self, present: AppOut, action: str, values: dict[str, Any], *, by: UUID) -> AppOut:
        await self._apps.change(present.id, values, by=by)
        app = _found(await self._apps.get(present.id))
        await self._audit.add(app.id, action, _changed_fields(present, app), by=by)
        return app

    async def _check_more(self, slugs: list[str]) -> None:
        known = await self._categories.held(slugs) if slugs else set()
        for place, slug in enumerate(slugs):
            if slug not in known:
                raise unknown_category(f"/more_categories/{place}", "There is no such category")

    async def _category_ids(self, category: str, subcategory: str | None) -> dict[str, UUID | None]:
        category_id = await self._categories.upper_level(category)
        if category_id is None:
            raise unknown_category("/category", "There is no such category on the upper level")
        subcategory_id = None if subcategory is None else await self._categories.child(subcategory, category_id)
        if subcategory is not None and subcategory_id is None:
            raise unknown_category("/subcategory", "The category has no such child")
        return {"category_id": category_id, "subcategory_id": subcategory_id}


def _found(row: AppRow | None) -> AppOut:
    if row is None:
        raise NotFound("There is no such app.")
    return AppOut.model_validate(row)


def _changed_fields(before: AppOut, after: AppOut) -> dict[str, list[Any]]:
    old, new = before.model_dump(mode="json"), after.model_dump(mode="json", exclude={"updated_at"})
    return {name: [old[name], value] for name, value in new.items() if old[name] != value}


def _differences(present: AppOut, patch: AppPatch) -> dict[str, Any]:
    """What the patch would change; category and subcategory always as a pair, as one is checked against the other."""
    sent = patch.sent()
    if sent.get("category", present.category) != present.category:
        sent.setdefault("subcategory", None)  # the present one belongs to the present category
    values = {name: value for name, value in sent.items() if value != getattr(present, name)}
    pair = {name: sent.get(name, getattr(present, name)) for name in ("category", "subcategory")}
    return values | pair if values.keys() & pair.keys() else values
