"""The composition root: nothing else builds objects that live as long as the process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

import rewards_service
from media.blobs import BlobStore
from media.processor import PictureProcessor
from rewards_service.clients.accounts import Accounts, HttpAccounts
from rewards_service.clients.catalog import Catalog, HttpCatalog
from rewards_service.repositories.notifications import following
from rewards_service.routers import events, leaderboard, ledger, points, proofs, reviews, tasks
from rewards_service.routers.upload import ENVELOPE, MAX_FILE
from rewards_service.services.decisions import DecisionService
from rewards_service.services.events import EventService
from rewards_service.services.leaderboard import LeaderboardService
from rewards_service.services.ledger import LedgerService
from rewards_service.services.listeners import Listeners
from rewards_service.services.points import PointsService
from rewards_service.services.proofs import ProofService
from rewards_service.services.queue import ReviewQueue
from rewards_service.services.reviews import ReviewService
from rewards_service.services.tasks import TaskService
from rewards_service.services.watch import LedgerWatch, QueueWatch
from rewards_service.settings import Settings
from servicekit.app import create_service_app, serving
from servicekit.pagination import Cursors
from servicekit.tokens import KeySource


def create_app(
    settings: Settings,
    *,
    keys: KeySource | None = None,
    catalog: Catalog | None = None,
    accounts: Accounts | None = None,
    pictures: PictureProcessor | None = None,
) -> FastAPI:
    """The rewards service. The keywords take the place of what is asked over HTTP, and of what makes the pictures."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with serving(app, settings, package_file=str(rewards_service.__file__), keys=keys) as stack:
            database, http = app.state.database, app.state.http
            cursors = Cursors(settings.cursor_secret)
            people = accounts or HttpAccounts(settings.auth_url, http)
            app.state.tasks = TaskService(database, catalog or HttpCatalog(settings.catalog_url, http), people, cursors)
            app.state.proofs = ProofService(database, pictures or PictureProcessor(), BlobStore(settings.blob_url))
            app.state.decisions = DecisionService(database)
            app.state.ledger = LedgerService(database, people, cursors)
            app.state.leaderboard = LeaderboardService(database, people, cursors)
            app.state.reviews = ReviewService(database)
            app.state.queue = ReviewQueue(database, cursors)
            app.state.points = PointsService(database, people, cursors)
            listeners = Listeners(settings.max_streams)
            app.state.on_stop.append(listeners.close)
            app.state.events = EventService(database, app.state.points, listeners, app.state.revocations)
            app.state.metrics.measures |= {
                "reviews": QueueWatch(database, app.state.metrics).measure,
                "ledger": LedgerWatch(database, app.state.metrics, settings.ledger_seconds).measure,
            }
            await stack.enter_async_context(following(settings, listeners.wake, listeners.wake_all))
            yield

    return create_service_app(
        package="rewards_service",
        title="Rewards",
        description="Tasks, their proofs, reviews, and the ledger of points.",
        lifespan=lifespan,
        routers=[module.router for module in (tasks, proofs, reviews, points, ledger, leaderboard, events)],
        max_body_size=MAX_FILE + ENVELOPE,
    )
