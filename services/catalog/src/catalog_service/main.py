"""The composition root of the catalogue."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

import catalog_service
from catalog_service.pools import read_pool, work_pool
from catalog_service.repositories.app_inserts import AppInserts
from catalog_service.repositories.app_reads import AppReads
from catalog_service.routers import apps, audit, categories, icons, imports, translations
from catalog_service.services.adding import AppAdder
from catalog_service.services.changes import ChangesFeed
from catalog_service.services.icons import RULES as ICON_RULES
from catalog_service.services.icons import IconService
from catalog_service.services.imports import ImportService
from catalog_service.services.reading import AppReader
from catalog_service.settings import Settings
from media.blobs import BlobStore
from media.processor import PictureProcessor
from servicekit.app import create_service_app, serving
from servicekit.pagination import Cursors
from servicekit.tokens import KeySource


def create_app(settings: Settings, *, keys: KeySource | None = None) -> FastAPI:
    """The catalogue's application. ``keys`` replaces the keys that auth publishes."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with serving(app, settings, package_file=str(catalog_service.__file__), keys=keys) as stack:
            pool = await stack.enter_async_context(read_pool(settings, application_name=app.title))
            app.state.cursors = cursors = Cursors(settings.cursor_secret)
            reads = AppReads(pool)
            app.state.adder = AppAdder(AppInserts(app.state.database))
            app.state.reader = AppReader(reads, cursors)
            app.state.changes = ChangesFeed(reads, cursors)
            app.state.icons = IconService(reads, PictureProcessor(ICON_RULES), BlobStore(settings.blob_url))
            work = await stack.enter_async_context(work_pool(settings, application_name=f"{app.title} imports"))
            app.state.imports = importing = ImportService(work, points=settings.import_points)
            stack.push_async_callback(importing.close)
            yield

    return create_service_app(
        package="catalog_service",
        title="Catalogue",
        description="Apps and what they are worth, and their categories.",
        lifespan=lifespan,
        routers=[imports.router, audit.router, apps.router, icons.router, translations.router, categories.router],
        max_body_size=icons.MAX_ICON,
        streamed={imports.PATH: imports.MAX_FILE},
    )
