"""Our own worker in days of a few seconds: ``python on_core.py worker``. Nothing else of it is changed.

A business date is due with each period of the database's clock, and arq rings as often. Older dates can be had.
"""

import os
from datetime import date, datetime, timedelta
from typing import Any

from isin_worker import feeds, schedule
from isin_worker.cli import main
from servicekit import jobs

PERIOD = int(os.environ["CHAOS_PERIOD"])
FIRST = date(2026, 1, 1)
_cron = jobs.cron


def _current_date(_feed: feeds.Feed, now: datetime) -> date:
    return FIRST + timedelta(days=int(now.timestamp() // PERIOD) - int(os.environ["CHAOS_FIRST_SLOT"]))


def _due_dates(feed: feeds.Feed, now: datetime) -> list[date]:
    return [FIRST + timedelta(days=days) for days in range((_current_date(feed, now) - FIRST).days + 1)]


def _ring_each_period(*arguments: Any, **options: Any) -> object:
    return _cron(*arguments, **(options | {"minute": None, "second": set(range(0, 60, PERIOD))}))


schedule.current_date, schedule.due_dates = _current_date, _due_dates
jobs.cron = _ring_each_period  # type: ignore[assignment]  # the same but for when

if __name__ == "__main__":
    main()
