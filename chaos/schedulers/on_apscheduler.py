"""APScheduler in a process of its own; with ``CHAOS_STORED`` jobs are in a table, and a missed one is made up for."""

import os
import signal
import time
from uuid import uuid4

from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from job import DATABASE, PERIOD, insert, work

STORED = "CHAOS_STORED" in os.environ


def tick() -> None:
    """One tick; there is no id to know it by, and no second attempt."""
    work(str(uuid4()))


def send(count: int, pause: float) -> None:
    """Run so many quick jobs in this process: there is no other one."""
    scheduler = BackgroundScheduler()
    scheduler.start()
    for _ in range(count):
        scheduler.add_job(insert, args=(time.time(),), misfire_grace_time=None)
        time.sleep(pause)
    while scheduler.get_jobs():  # what is not begun is forgotten by a shutdown
        time.sleep(0.01)
    scheduler.shutdown()


if __name__ == "__main__":
    scheduler, options = BackgroundScheduler(timezone="UTC"), {}
    if STORED:
        scheduler.add_jobstore(SQLAlchemyJobStore(DATABASE.replace("postgresql:", "postgresql+psycopg:")))
        options = {"misfire_grace_time": None, "coalesce": True}
    scheduler.start(paused=True)
    if scheduler.get_job("tick") is None:  # else it is in the store, with its next time
        scheduler.add_job("on_apscheduler:tick", "cron", second=f"*/{PERIOD}", id="tick", **options)
    scheduler.resume()
    signal.pause()
