"""Celery as the bell: ``celery -A bell worker`` and ``celery -A bell beat``, both in this folder.

``CELERY_BROKER_URL`` is the broker, ``BELL_SECONDS`` how often to ring.
"""

import os
import subprocess

from celery import Celery

SOMEBODY_IS_AT_IT = 75
EVERY = float(os.environ.get("BELL_SECONDS", "900"))

app = Celery("isin", broker=os.environ["CELERY_BROKER_URL"])
app.conf.update(
    timezone="UTC",
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    # A ring that waits longer than until the next one is of no use.
    beat_schedule={"reconcile": {"task": "bell.reconcile", "schedule": EVERY, "options": {"expires": EVERY}}},
)


@app.task
def reconcile() -> None:
    """Ring. Ends as the command does: what failed is tried again by the ledger's clock, not by Celery."""
    ended = subprocess.run(["isin-worker", "reconcile"], check=False)  # noqa: S607 - it is on the PATH
    if ended.returncode not in {0, SOMEBODY_IS_AT_IT}:
        raise RuntimeError(f"isin-worker reconcile ended with {ended.returncode}")
