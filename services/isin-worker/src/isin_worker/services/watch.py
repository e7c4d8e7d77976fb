"""What somebody is woken for: lists that are missing, and runs that wait for a decision or have given up."""

from collections.abc import Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, Gauge

from isin_worker import schedule
from isin_worker.feeds import Feed
from isin_worker.models import Publication, Run
from isin_worker.repositories.publications import PublicationRepository
from isin_worker.repositories.runs import RunRepository
from isin_worker.states import Status
from servicekit.db import Database

FEED = ("feed",)
COUNTED = ("added", "changed", "removed", "quarantined")


class FeedWatch:
    """How the feeds stand. A feed without any list yet has no age."""

    def __init__(self, database: Database, registry: CollectorRegistry, feeds: Mapping[str, Feed]) -> None:
        self._database = database
        self._feeds = feeds
        self._age = Gauge("isin_feed_age_seconds", "Since the list was last confirmed", FEED, registry=registry)
        self._overdue = Gauge(
            "isin_feed_overdue_seconds", "Since a list was due, by the feed's calendar, which is missing", FEED,
            registry=registry,
        )  # fmt: skip
        self._rows = Gauge("isin_feed_rows", "On the list that stands", FEED, registry=registry)
        self._runs = Gauge(
            "isin_runs", "Runs of the date that stands and later ones", ["feed", "status"], registry=registry
        )
        self._took = Gauge("isin_last_run_seconds", "How long the run took that stands", FEED, registry=registry)
        self._did = Gauge("isin_last_run_rows", "What it did", ["feed", "kind"], registry=registry)

    async def measure(self) -> None:
        """Look now."""
        async with self._database.transaction() as session:
            runs = RunRepository(session)
            now = await runs.now()
            published = await PublicationRepository(session).all()
            dates = await runs.open_dates()
            did = {run.feed: run for run in await runs.by_ids(one.run_id for one in published.values())}
        for name, feed in self._feeds.items():
            for status in Status:
                self._runs.labels(name, status).set(len(dates.get((name, status), ())))
            standing = published.get(name)
            settled = dates.get((name, Status.DROPPED), ())
            late = schedule.overdue(feed, standing.business_date if standing else None, settled, now)
            self._overdue.labels(name).set(late.total_seconds())
            if standing is not None:
                self._tell(standing, did[name], now)

    def _tell(self, standing: Publication, run: Run, now: datetime) -> None:
        self._age.labels(run.feed).set((now - standing.confirmed_at).total_seconds())
        self._rows.labels(run.feed).set(standing.valid)
        self._took.labels(run.feed).set(((run.finished_at or now) - (run.started_at or now)).total_seconds())
        for kind in COUNTED:
            self._did.labels(run.feed, kind).set(getattr(run, kind) or 0)
