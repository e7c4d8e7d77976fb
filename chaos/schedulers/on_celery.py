"""Celery and Beat with their defaults; with ``CHAOS_ACKS_LATE`` a task is acknowledged when it is done."""

import os
import time

from celery import Celery
from job import BROKER, PERIOD, insert, work

app = Celery("chaos", broker=BROKER)
app.conf.update(
    timezone="UTC",
    broker_connection_retry_on_startup=True,
    beat_schedule={"tick": {"task": "on_celery.tick", "schedule": float(PERIOD)}},
)
if "CHAOS_ACKS_LATE" in os.environ:
    app.conf.update(task_acks_late=True, task_reject_on_worker_lost=True, worker_prefetch_multiplier=1)


@app.task(bind=True)
def tick(self: object) -> None:
    """One tick."""
    work(self.request.id)


@app.task(ignore_result=True)
def row(sent: float) -> None:
    """The quick job."""
    insert(sent)


def send(count: int, pause: float) -> None:
    """Enqueue so many quick jobs."""
    for _ in range(count):
        row.delay(time.time())
        time.sleep(pause)
