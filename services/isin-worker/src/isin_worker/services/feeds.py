"""How the feeds stand."""

from collections.abc import Mapping
from datetime import datetime

from isin_worker import schedule
from isin_worker.errors import UnknownFeed
from isin_worker.feeds import Feed
from isin_worker.models import Publication, Run
from isin_worker.repositories.publications import PublicationRepository
from isin_worker.repositories.runs import RunRepository
from isin_worker.schemas import AlertOut, FeedOut
from isin_worker.states import Status


def feed_named(feeds: Mapping[str, Feed], name: str) -> Feed:
    """The feed of this name. Raises UnknownFeed."""
    if name not in feeds:
        raise UnknownFeed(f"There are these feeds: {', '.join(feeds)}.")
    return feeds[name]


class FeedService:
    """Tells of each feed what stands and what comes next."""

    def __init__(self, runs: RunRepository, publications: PublicationRepository, feeds: Mapping[str, Feed]) -> None:
        self._runs = runs
        self._publications = publications
        self._feeds = feeds

    async def all(self) -> list[FeedOut]:
        """Every feed, in the order of their declaration."""
        now = await self._runs.now()
        published = await self._publications.all()
        return [await self._describe(feed, published.get(feed.name), now) for feed in self._feeds.values()]

    async def get(self, name: str) -> FeedOut:
        """One feed. Raises UnknownFeed."""
        feed = feed_named(self._feeds, name)
        return await self._describe(feed, await self._publications.get(name), await self._runs.now())

    async def _describe(self, feed: Feed, standing: Publication | None, now: datetime) -> FeedOut:
        current = await self._runs.of_date(feed.name, schedule.current_date(feed, now))
        return FeedOut(
            name=feed.name,
            title=feed.title,
            url=feed.url,
            terms=feed.terms,
            schedule=feed.schedule,
            business_date=standing.business_date if standing else None,
            last_success_at=standing.confirmed_at if standing else None,
            next_run_at=_next_run(feed, standing, current, now),
            freshness=schedule.freshness(feed, standing.business_date if standing else None, now),
            rows=standing.valid if standing else 0,
            alerts=[AlertOut.model_validate(run) for run in await self._runs.alerts(feed.name)],
        )


def _next_run(feed: Feed, standing: Publication | None, current: Run | None, now: datetime) -> datetime:
    due = schedule.current_date(feed, now)
    if standing is not None and standing.business_date >= due:
        return schedule.due_instant(feed, schedule.next_date(feed, standing.business_date))
    if current is None:
        return schedule.due_instant(feed, due)
    if current.status in {Status.DEAD, Status.HELD, Status.DROPPED}:
        return schedule.due_instant(feed, schedule.next_date(feed, due))
    return current.next_try_at
