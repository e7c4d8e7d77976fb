"""APScheduler as the bell: ``python bell.py``. ``BELL_SECONDS`` says how often to ring."""

import os
import signal
import subprocess
from datetime import UTC, datetime

from apscheduler.schedulers.blocking import BlockingScheduler

EVERY = float(os.environ.get("BELL_SECONDS", "900"))


def reconcile() -> None:
    """Ring. The command says itself how it ended."""
    subprocess.run(["isin-worker", "reconcile"], check=False)  # noqa: S607 - it is on the PATH


scheduler = BlockingScheduler(timezone=UTC)
# A late ring is as good as one in time, and one is as good as several.
scheduler.add_job(
    reconcile, "interval", seconds=EVERY, next_run_time=datetime.now(UTC), misfire_grace_time=None, coalesce=True
)
signal.signal(signal.SIGTERM, lambda *_: scheduler.shutdown(wait=False))
scheduler.start()
