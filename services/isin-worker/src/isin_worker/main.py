"""The composition root of the API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

import isin_worker
from isin_worker.jobs import BELL
from isin_worker.pool import read_pool
from isin_worker.repositories.sightings import SightingRepository
from isin_worker.routers import feeds, isins
from isin_worker.services.instruments import InstrumentService
from isin_worker.services.watch import FeedWatch
from isin_worker.settings import Settings
from servicekit.app import create_service_app, serving
from servicekit.jobs import ArqRinger, Ringer, SilentRinger
from servicekit.pagination import Cursors
from servicekit.tokens import KeySource


def create_app(settings: Settings, *, keys: KeySource | None = None, bell: Ringer | None = None) -> FastAPI:
    """The ISIN API. ``keys`` and ``bell`` are for tests; without a queue in the settings there is no bell."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with serving(app, settings, package_file=str(isin_worker.__file__), keys=keys) as stack:
            app.state.cursors = Cursors(settings.cursor_secret)
            app.state.feeds = settings.enabled_feeds()
            watch = FeedWatch(app.state.database, app.state.metrics, app.state.feeds)
            app.state.metrics.measures["feeds"] = watch.measure
            pool = await stack.enter_async_context(read_pool(settings))
            app.state.instruments = InstrumentService(SightingRepository(pool), app.state.feeds)
            # The queue is not asked for here and not among the readiness checks: the API works without it.
            app.state.bell = bell or (ArqRinger(settings.redis_url, BELL) if settings.redis_url else SilentRinger())
            stack.push_async_callback(app.state.bell.close)
            yield

    return create_service_app(
        package="isin_worker",
        title="Appraise ISINs",
        description="ISINs from daily published lists, with their history, and the runs that fetch them.",
        lifespan=lifespan,
        routers=[isins.router, feeds.router],
    )
