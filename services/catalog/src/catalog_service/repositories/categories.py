"""The SQL of the category tree."""

from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import Row, Table, select
from sqlalchemy.ext.asyncio import AsyncSession

from catalog_service.models import Base

CategoryRow: TypeAlias = Row[*tuple[Any, ...]]

category: Table = Base.metadata.tables["category"]


class CategoryRepository:
    """Reads categories inside the transaction of its session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def all(self) -> list[CategoryRow]:
        """Every node of both levels, in the order in which siblings are shown."""
        order = (category.c.position, category.c.slug)
        return list(await self._session.execute(select(category).order_by(*order)))

    async def upper_level(self, slug: str) -> UUID | None:
        """The id of a category of the upper level."""
        found = select(category.c.id).where(category.c.slug == slug, category.c.parent_id.is_(None))
        return await self._session.scalar(found)

    async def child(self, slug: str, parent_id: UUID) -> UUID | None:
        """The id of a child of this category."""
        found = select(category.c.id).where(category.c.slug == slug, category.c.parent_id == parent_id)
        return await self._session.scalar(found)
