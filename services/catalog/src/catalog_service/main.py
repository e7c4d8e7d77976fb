"""The composition root of the catalogue."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

import catalog_service
from catalog_service.repositories.app_reads import AppReads
from catalog_service.routers import apps, categories
from catalog_service.services.changes import ChangesFeed
from catalog_service.services.reading import AppReader
from catalog_service.settings import Settings
from servicekit.app import create_service_app, serving
from servicekit.db import read_pool
from servicekit.pagination import Cursors
from servicekit.tokens import KeySource


def create_app(settings: Settings, *, keys: KeySource | None = None) -> FastAPI:
    """The catalogue's application. ``keys`` replaces the keys that auth publishes."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with serving(app, settings, package_file=str(catalog_service.__file__), keys=keys) as stack:
            pool = await stack.enter_async_context(read_pool(settings, application_name=app.title))
            app.state.cursors = cursors = Cursors(settings.cursor_secret)
            app.state.reader = AppReader(AppReads(pool), cursors)
            app.state.changes = ChangesFeed(AppReads(pool), cursors)
            yield

    return create_service_app(
        package="catalog_service",
        title="Catalogue",
        description="Apps and what they are worth, and their categories.",
        lifespan=lifespan,
        routers=[apps.router, categories.router],
    )
