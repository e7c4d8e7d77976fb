"""Dramatiq with its defaults. It has no scheduler: its manual sends by APScheduler, which is this file as a program."""

import time

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import CurrentMessage
from job import BROKER, PERIOD, insert, work

broker = RedisBroker(url=BROKER)
broker.add_middleware(CurrentMessage())
dramatiq.set_broker(broker)


@dramatiq.actor
def tick() -> None:
    """One tick."""
    work(CurrentMessage.get_current_message().message_id)


@dramatiq.actor
def row(sent: float) -> None:
    """The quick job."""
    insert(sent)


def send(count: int, pause: float) -> None:
    """Enqueue so many quick jobs."""
    for _ in range(count):
        row.send(time.time())
        time.sleep(pause)


if __name__ == "__main__":
    from apscheduler.schedulers.blocking import BlockingScheduler

    scheduler = BlockingScheduler(timezone="UTC")
    scheduler.add_job(tick.send, "cron", second=f"*/{PERIOD}")
    scheduler.start()
