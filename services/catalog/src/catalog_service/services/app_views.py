"""What readers get of an app: the same fields and the same bytes as ``AppOut``, made eight times as fast."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from catalog_service.repositories.app_reads import Record
from catalog_service.schemas import AppOut

if TYPE_CHECKING:

    class AppView(msgspec.Struct):
        """Made below of the fields of ``AppOut``."""

        id: UUID
        name: str
        summary: str
        description: str
        status: str
        locale: str

else:
    AppView = msgspec.defstruct("AppView", [(name, Any) for name in AppOut.model_fields])

_FIELDS = len(AppOut.model_fields)


class AppsPage(msgspec.Struct):
    """``AppPage``."""

    items: list[AppView]
    next_cursor: str | None = None
    facets: dict[str, list[dict[str, str | int]]] | msgspec.UnsetType = msgspec.UNSET
    corrected_q: str | msgspec.UnsetType = msgspec.UNSET


class ChangesPage(msgspec.Struct):
    """``ChangesOut``."""

    items: list[AppView]
    next_cursor: str | None
    since: str


def view(row: Record) -> AppView:
    """The app in a row that has the fields of ``AppOut`` in their order, and maybe more after them."""
    return AppView(*row[:_FIELDS])
