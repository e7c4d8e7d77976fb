"""RQ with its defaults: this file is what ``rq cron`` reads, and where its worker finds the jobs."""

import time

from job import BROKER, PERIOD, insert, work
from redis import Redis
from rq import Queue, cron, get_current_job


def tick() -> None:
    """One tick."""
    work(get_current_job().id)


def row(sent: float) -> None:
    """The quick job."""
    insert(sent)


def send(count: int, pause: float) -> None:
    """Enqueue so many quick jobs."""
    queue = Queue(connection=Redis.from_url(BROKER))
    for _ in range(count):
        queue.enqueue("on_rq.row", time.time())
        time.sleep(pause)


cron.register(tick, queue_name="default", interval=PERIOD)
