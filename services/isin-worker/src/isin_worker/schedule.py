"""When a list is due and how fresh the published one is. Pure functions; ``now`` is the database's clock, always."""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from isin_worker.errors import DateNotAvailable
from isin_worker.feeds import Feed
from servicekit.problems import FieldProblem

Freshness = Literal["fresh", "late", "stale"]
GRACE = timedelta(hours=2)
_DAY = timedelta(days=1)


def due_instant(feed: Feed, business_date: date) -> datetime:
    """When the list of this date is due."""
    return datetime.combine(business_date, feed.due_at, tzinfo=UTC)


def current_date(feed: Feed, now: datetime) -> date:
    """The newest business date that is due: the UTC date, until the feed's hour the one before, on its weekdays."""
    today = now.astimezone(UTC).date()
    day = today if now >= due_instant(feed, today) else today - _DAY
    while day.weekday() not in feed.weekdays:
        day -= _DAY
    return day


def next_date(feed: Feed, day: date) -> date:
    """The business date that follows."""
    day += _DAY
    while day.weekday() not in feed.weekdays:
        day += _DAY
    return day


def due_dates(feed: Feed, now: datetime) -> list[date]:
    """Every business date that is due and can still be fetched, the oldest first."""
    current = current_date(feed, now)
    days = [current - _DAY * days for days in range(feed.backfill_days, -1, -1)]
    return [day for day in days if day.weekday() in feed.weekdays]


def can_be_fetched(feed: Feed, business_date: date, now: datetime) -> bool:
    """Whether asking for this date makes sense: today's list may be asked for before its hour."""
    due = due_dates(feed, now)[0] <= business_date <= now.astimezone(UTC).date()
    return due and business_date.weekday() in feed.weekdays


def require_fetchable(feed: Feed, day: date, now: datetime) -> None:
    """Raise DateNotAvailable for a business date whose list can't be fetched at ``now``."""
    if not can_be_fetched(feed, day, now):
        if day.weekday() not in feed.weekdays:
            when = "does not exist: the publisher has none on this day of the week"
        elif day > now.date():
            when = "is not published yet"
        else:
            when = "can't be had any more: the publisher shows newer ones only"
        detail = f"The list of {day} {when}."
        fault = FieldProblem(pointer="/business_date", code="not-available", detail=detail)
        raise DateNotAvailable(detail, errors=[fault])


def freshness(feed: Feed, published: date | None, now: datetime) -> Freshness:
    """``fresh``: what is due stands, or is due for less than two hours; ``late``: one list is missing; or ``stale``."""
    if published is None:
        return "stale"
    current = current_date(feed, now)
    if published >= current:
        return "fresh"
    if next_date(feed, published) < current:
        return "stale"
    return "fresh" if now < due_instant(feed, current) + GRACE else "late"


def overdue(feed: Feed, published: date | None, settled: Collection[date], now: datetime) -> timedelta:
    """For how long the first list after the published one has been due; 0 while none is.

    A date that is ``settled`` has no list, as an administrator said: a holiday. Of a feed that never had a list, the
    newest date is looked at.
    """
    day = current_date(feed, now) if published is None else next_date(feed, published)
    while day in settled:
        day = next_date(feed, day)
    return max(now - due_instant(feed, day), timedelta(0))
