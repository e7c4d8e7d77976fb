"""The SQL that changes apps and their prices, inside the transaction of a request."""

from typing import Any
from uuid import UUID

from sqlalchemy import Table, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_skip
from sqlalchemy.ext.asyncio import AsyncSession

from catalog_service.models import Base
from catalog_service.repositories.app_rows import APPS, AppRow, app

app_text: Table = Base.metadata.tables["app_text"]
app_price: Table = Base.metadata.tables["app_price"]


class AppRepository:
    """Reads and changes apps inside the transaction of its session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, app_id: UUID) -> AppRow | None:
        """The app of this id, whatever its status."""
        return (await self._session.execute(APPS.where(app.c.id == app_id))).one_or_none()

    async def get_for_change(self, app_id: UUID) -> AppRow | None:
        """As ``get``; until the end of the transaction nobody else can change the app."""
        await self._session.execute(select(app.c.id).where(app.c.id == app_id).with_for_update())
        return await self.get(app_id)

    async def change(self, app_id: UUID, values: dict[str, Any], *, by: UUID) -> None:
        """Set these columns; a price among them goes into the history too."""
        # Not now(): that is when the transaction began, which can be before the last change was committed.
        changed = {**values, "changed_by": by, "updated_at": func.clock_timestamp()}
        await self._session.execute(update(app).where(app.c.id == app_id).values(**changed))
        if "points" in values:
            await self._add_price(app_id, values["points"], by=by)

    async def texts(self, app_id: UUID) -> list[AppRow]:
        """The texts in further languages."""
        found = select(app_text).where(app_text.c.app_id == app_id).order_by(app_text.c.locale)
        return list(await self._session.execute(found))

    async def put_text(self, app_id: UUID, locale: str, values: dict[str, str]) -> None:
        """Set the texts in this language."""
        statement = insert_or_skip(app_text).values(app_id=app_id, locale=locale, **values)
        await self._session.execute(statement.on_conflict_do_update(index_elements=["app_id", "locale"], set_=values))

    async def remove_text(self, app_id: UUID, locale: str) -> None:
        """Take the texts in this language away."""
        found = (app_text.c.app_id == app_id, app_text.c.locale == locale)
        await self._session.execute(delete(app_text).where(*found))

    async def _add_price(self, app_id: UUID, points: int, *, by: UUID) -> None:
        row = {"app_id": app_id, "points": points, "changed_by": by, "changed_at": func.clock_timestamp()}
        await self._session.execute(insert(app_price).values(**row))
