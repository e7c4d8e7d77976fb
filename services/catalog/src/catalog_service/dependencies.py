"""What the routers ask for: the services of a request, and who may do what."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Query, Request

from catalog_service.repositories.apps import AppRepository
from catalog_service.repositories.audit import AuditRepository
from catalog_service.repositories.categories import CategoryRepository
from catalog_service.schemas import AppQuery
from catalog_service.services.adding import AppAdder
from catalog_service.services.apps import AppService
from catalog_service.services.audit import AuditTrail
from catalog_service.services.categories import CategoryService
from catalog_service.services.changes import ChangesFeed
from catalog_service.services.icons import IconService
from catalog_service.services.imports import ImportService
from catalog_service.services.languages import wanted
from catalog_service.services.reading import AppReader
from catalog_service.services.translations import TranslationService
from servicekit.db import Session
from servicekit.permissions import MaybePrincipal, Require
from servicekit.tokens import Principal

_admin = Require("admin")

Admin = Annotated[Principal, Depends(_admin)]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who reads. Administrators see drafts, and the app's own texts, as they edit what they read."""

    sees_all: bool
    languages: list[str]


# One dependency, not one for each field: each costs a read some 15 µs.
async def _visitor(
    principal: MaybePrincipal,
    accept_language: Annotated[str | None, Header(description="The languages you read, the best first")] = None,
) -> Visitor:
    sees_all = principal is not None and "admin" in principal.roles
    return Visitor(sees_all, [] if sees_all else wanted(accept_language))


AnyVisitor = Annotated[Visitor, Depends(_visitor)]


async def _allowed_query(query: Annotated[AppQuery, Query()], principal: MaybePrincipal) -> AppQuery:
    if query.status is not None:
        _admin.check(principal)
    return query


# Anyone may list; only administrators may name a status.
AllowedQuery = Annotated[AppQuery, Depends(_allowed_query)]


async def _app_service(session: Session) -> AppService:
    return AppService(AppRepository(session), CategoryRepository(session), AuditRepository(session))


async def _audit(request: Request, session: Session) -> AuditTrail:
    return AuditTrail(AuditRepository(session), request.app.state.cursors)


async def _adder(request: Request) -> AppAdder:
    adder: AppAdder = request.app.state.adder
    return adder


async def _reader(request: Request) -> AppReader:
    reader: AppReader = request.app.state.reader
    return reader


async def _changes(request: Request) -> ChangesFeed:
    feed: ChangesFeed = request.app.state.changes
    return feed


async def _translations(session: Session) -> TranslationService:
    return TranslationService(AppRepository(session), AuditRepository(session))


async def _imports(request: Request) -> ImportService:
    imports: ImportService = request.app.state.imports
    return imports


async def _icons(request: Request) -> IconService:
    icons: IconService = request.app.state.icons
    return icons


async def _category_service(session: Session) -> CategoryService:
    return CategoryService(CategoryRepository(session), AuditRepository(session))


Adder = Annotated[AppAdder, Depends(_adder)]
Apps = Annotated[AppService, Depends(_app_service)]
Audit = Annotated[AuditTrail, Depends(_audit)]
Reader = Annotated[AppReader, Depends(_reader)]
Changes = Annotated[ChangesFeed, Depends(_changes)]
Icons = Annotated[IconService, Depends(_icons)]
Translations = Annotated[TranslationService, Depends(_translations)]
Imports = Annotated[ImportService, Depends(_imports)]
Categories = Annotated[CategoryService, Depends(_category_service)]

IfMatch = Annotated[str | None, Header(description="The `ETag` that you read")]
