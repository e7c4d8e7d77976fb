from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from isin_worker import schedule
from isin_worker.feeds.nse_equity import NSE_EQUITY

TODAY, YESTERDAY = date(2026, 11, 21), date(2026, 11, 20)
BEFORE, AFTER = datetime(2026, 11, 21, 1, 59, tzinfo=UTC), datetime(2026, 11, 21, 2, 0, tzinfo=UTC)


def test_the_business_date_changes_at_the_hour_of_the_feed_and_not_at_midnight() -> None:
    assert schedule.current_date(NSE_EQUITY, BEFORE) == YESTERDAY
    assert schedule.current_date(NSE_EQUITY, AFTER) == TODAY


def test_a_publisher_who_shows_only_todays_list_has_no_earlier_date_due() -> None:
    assert schedule.due_dates(NSE_EQUITY, AFTER) == [TODAY]


def test_todays_list_may_be_asked_for_before_its_hour_but_no_older_and_no_later_one() -> None:
    assert schedule.can_be_fetched(NSE_EQUITY, TODAY, BEFORE)
    assert schedule.can_be_fetched(NSE_EQUITY, YESTERDAY, BEFORE)
    assert not schedule.can_be_fetched(NSE_EQUITY, YESTERDAY, AFTER)
    assert not schedule.can_be_fetched(NSE_EQUITY, date(2026, 11, 22), AFTER)


@pytest.mark.parametrize(
    ("published", "now", "expected"),
    [
        (None, AFTER, "stale"),
        (TODAY, AFTER, "fresh"),
        (YESTERDAY, BEFORE, "fresh"),
        (YESTERDAY, datetime(2026, 11, 21, 3, 59, tzinfo=UTC), "fresh"),
        (YESTERDAY, datetime(2026, 11, 21, 4, 0, tzinfo=UTC), "late"),
        (YESTERDAY, datetime(2026, 11, 22, 1, 59, tzinfo=UTC), "late"),
        (YESTERDAY, datetime(2026, 11, 22, 2, 0, tzinfo=UTC), "stale"),
        (TODAY, BEFORE, "fresh"),
    ],
)
def test_freshness_counts_missing_lists(published: date | None, now: datetime, expected: str) -> None:
    assert schedule.freshness(NSE_EQUITY, published, now) == expected


WEEKDAYS = replace(NSE_EQUITY, weekdays=frozenset(range(5)), backfill_days=4)
SATURDAY = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_a_list_of_weekdays_is_not_due_at_the_weekend() -> None:
    assert schedule.current_date(WEEKDAYS, SATURDAY) == date(2026, 11, 20)
    assert schedule.due_dates(WEEKDAYS, SATURDAY + timedelta(days=2)) == [date(2026, 11, 19 + day) for day in (0, 1, 4)]
    assert not schedule.can_be_fetched(WEEKDAYS, SATURDAY.date(), SATURDAY)
    assert schedule.next_date(WEEKDAYS, date(2026, 11, 20)) == date(2026, 11, 23)


def test_fridays_list_is_fresh_until_mondays_is_due() -> None:
    friday = date(2026, 11, 20)
    assert schedule.freshness(WEEKDAYS, friday, datetime(2026, 11, 23, 3, 59, tzinfo=UTC)) == "fresh"
    assert schedule.freshness(WEEKDAYS, friday, datetime(2026, 11, 23, 4, 1, tzinfo=UTC)) == "late"
    assert schedule.freshness(WEEKDAYS, friday, datetime(2026, 11, 24, 4, 1, tzinfo=UTC)) == "stale"


def test_a_schedule_names_its_days() -> None:
    assert NSE_EQUITY.schedule == "daily 02:00 UTC"
    assert replace(NSE_EQUITY, weekdays=frozenset({5, 6})).schedule == "Sat, Sun 02:00 UTC"


@pytest.mark.parametrize(
    ("published", "settled", "now", "hours"),
    [
        (date(2026, 11, 20), (), datetime(2026, 11, 22, 23, tzinfo=UTC), 0),  # Friday's, on Sunday night
        (date(2026, 11, 20), (), datetime(2026, 11, 23, 2, tzinfo=UTC), 0),
        (date(2026, 11, 20), (), datetime(2026, 11, 23, 4, 30, tzinfo=UTC), 2.5),
        (date(2026, 11, 19), (), datetime(2026, 11, 23, 4, tzinfo=UTC), 74),  # Friday's came never
        (date(2026, 11, 20), (date(2026, 11, 23),), datetime(2026, 11, 24, 1, tzinfo=UTC), 0),  # a holiday on Monday
        (date(2026, 11, 20), (date(2026, 11, 23),), datetime(2026, 11, 24, 5, tzinfo=UTC), 3),
        (None, (), datetime(2026, 11, 22, 2, tzinfo=UTC), 48),  # of a new feed Friday's is the newest
    ],
)
def test_a_list_is_overdue_by_the_calendar_of_its_feed(
    published: date | None, settled: tuple[date, ...], now: datetime, hours: float
) -> None:
    assert schedule.overdue(WEEKDAYS, published, settled, now) == timedelta(hours=hours)
