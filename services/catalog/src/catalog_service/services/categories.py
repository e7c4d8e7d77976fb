"""The category tree."""

from catalog_service.repositories.categories import CategoryRepository
from catalog_service.schemas import CategoryOut, SubcategoryOut
from servicekit.schemas import Page


class CategoryService:
    """Reads the tree."""

    def __init__(self, categories: CategoryRepository) -> None:
        self._categories = categories

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
