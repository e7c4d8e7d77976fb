"""The category tree of two levels."""

from typing import Any
from uuid import UUID

from catalog_service.errors import CategoryExists, CategoryInUse
from catalog_service.repositories.audit import AuditRepository
from catalog_service.repositories.categories import CategoryRepository, CategoryRow
from catalog_service.schemas import CategoryCreate, CategoryNode, CategoryOut, CategoryPatch, SubcategoryOut
from servicekit.conditional import require_match
from servicekit.problems import FieldProblem, NotFound, RuleViolation
from servicekit.schemas import Page


class CategoryService:
    """Reads the tree for anyone and changes it for administrators."""

    def __init__(self, categories: CategoryRepository, audit: AuditRepository) -> None:
        self._categories = categories
        self._audit = audit

    async def tree(self) -> Page[CategoryOut]:
        """Both levels on one page: there are some dozens of categories, and they are shown together."""
        nodes = await self._categories.all()
        items = [
            CategoryOut(
                id=node.id,
                slug=node.slug,
                name=node.name,
                children=[SubcategoryOut.model_validate(child) for child in nodes if child.parent_id == node.id],
            )
            for node in nodes
            if node.parent_id is None
        ]
        return Page(items=items)

    async def get(self, category_id: UUID) -> CategoryNode:
        """One category of either level. Raises NotFound."""
        return _found(await self._categories.get(category_id))

    async def create(self, new: CategoryCreate, *, by: UUID) -> CategoryNode:
        """A new category. Raises CategoryExists, and RuleViolation for a parent that is not of the upper level."""
        values: dict[str, Any] = new.model_dump(exclude={"parent"}) | {"parent_id": None}
        if new.parent is not None:
            values["parent_id"] = await self._categories.upper_level(new.parent)
            if values["parent_id"] is None:
                fault = "There is no such category on the upper level, and there are two levels only"
                raise RuleViolation(errors=[FieldProblem(pointer="/parent", code="unknown-category", detail=fault)])
        category_id = await self._categories.add(values)
        if category_id is None:
            raise CategoryExists
        node = await self.get(category_id)
        await self._note("create-category", None, node, by=by)
        return node

    async def change(self, category_id: UUID, patch: CategoryPatch, *, if_match: str | None, by: UUID) -> CategoryNode:
        """Change what the patch names. Raises NotFound, PreconditionRequired and PreconditionFailed."""
        present = _found(await self._categories.get_for_change(category_id))
        require_match(if_match, present)
        values = {
            name: value
            for name, value in patch.model_dump(exclude_unset=True).items()
            if value != getattr(present, name)
        }
        if not values:
            return present
        await self._categories.change(category_id, values)
        node = await self.get(category_id)
        await self._note("change-category", present, node, by=by)
        return node

    async def delete(self, category_id: UUID, *, if_match: str | None, by: UUID) -> None:
        """Take an empty category away. Raises as ``change``, and CategoryInUse."""
        present = _found(await self._categories.get_for_change(category_id))
        require_match(if_match, present)
        if await self._categories.in_use(category_id, present.slug):
            raise CategoryInUse
        await self._categories.remove(category_id)
        await self._note("delete-category", present, None, by=by)

    async def _note(self, action: str, before: CategoryNode | None, after: CategoryNode | None, *, by: UUID) -> None:
        old, new = ({} if node is None else node.model_dump(mode="json", exclude={"id"}) for node in (before, after))
        fields = {name: [old.get(name), new.get(name)] for name in old | new if old.get(name) != new.get(name)}
        subject = after or before
        assert subject is not None  # noqa: S101 - one of the two is always there
        await self._audit.add(subject.id, action, fields, by=by)


def _found(row: CategoryRow | None) -> CategoryNode:
    if row is None:
        raise NotFound("There is no such category.")
    return CategoryNode.model_validate(row)
