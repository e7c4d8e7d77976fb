"""The SQL of the category tree."""

from collections.abc import Iterable
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import Row, Table, and_, delete, exists, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from catalog_service.models import Base

CategoryRow: TypeAlias = Row[*tuple[Any, ...]]

app: Table = Base.metadata.tables["app"]
category: Table = Base.metadata.tables["category"]
_parent = category.alias("parent")
_NODES = select(
    category.c.id, category.c.slug, category.c.name, category.c.position, _parent.c.slug.label("parent")
).outerjoin(_parent, _parent.c.id == category.c.parent_id)


class CategoryRepository:
    """Reads and changes categories inside the transaction of its session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def all(self) -> list[CategoryRow]:
        """Every node of both levels, in the order in which siblings are shown."""
        order = (category.c.position, category.c.slug)
        return list(await self._session.execute(select(category).order_by(*order)))

    async def get(self, category_id: UUID) -> CategoryRow | None:
        """One node, with its parent's slug."""
        return (await self._session.execute(_NODES.where(category.c.id == category_id))).one_or_none()

    async def get_for_change(self, category_id: UUID) -> CategoryRow | None:
        """As ``get``; until the end of the transaction nobody else can change it, or put an app into it."""
        await self._session.execute(select(category.c.id).where(category.c.id == category_id).with_for_update())
        return await self.get(category_id)

    async def add(self, values: dict[str, Any]) -> UUID | None:
        """A new node. None when its slug is taken."""
        statement = insert(category).values(**values).on_conflict_do_nothing(index_elements=["slug"])
        category_id: UUID | None = await self._session.scalar(statement.returning(category.c.id))
        return category_id

    async def change(self, category_id: UUID, values: dict[str, Any]) -> None:
        """Set these columns."""
        await self._session.execute(update(category).where(category.c.id == category_id).values(**values))

    async def remove(self, category_id: UUID) -> None:
        """Take a node away that nothing refers to."""
        await self._session.execute(delete(category).where(category.c.id == category_id))

    async def in_use(self, category_id: UUID, slug: str) -> bool:
        """Whether an app of any status stands in it, or it has children."""
        apps = exists().where(
            or_(
                app.c.category_id == category_id,
                app.c.subcategory_id == category_id,
                and_(app.c.more_categories != [], app.c.more_categories.contains([slug])),
            )
        )
        children = exists().where(category.c.parent_id == category_id)
        return bool(await self._session.scalar(select(or_(apps, children))))

    async def upper_level(self, slug: str) -> UUID | None:
        """The id of a category of the upper level; until the end of the transaction nobody can delete it."""
        found = select(category.c.id).where(category.c.slug == slug, category.c.parent_id.is_(None))
        return await self._session.scalar(found.with_for_update(read=True, key_share=True))

    async def child(self, slug: str, parent_id: UUID) -> UUID | None:
        """The id of a child of this category, held as ``upper_level``."""
        found = select(category.c.id).where(category.c.slug == slug, category.c.parent_id == parent_id)
        return await self._session.scalar(found.with_for_update(read=True, key_share=True))

    async def held(self, slugs: Iterable[str]) -> set[str]:
        """Those of the slugs that exist; until the end of the transaction nobody can delete them."""
        found = select(category.c.slug).where(category.c.slug.in_(list(slugs))).order_by(category.c.slug)
        return set((await self._session.scalars(found.with_for_update(read=True, key_share=True))).all())
