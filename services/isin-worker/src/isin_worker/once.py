"""One reconciliation, then the end: what the command does, and every scheduler that calls it."""

import asyncio
import signal
import sys
from contextlib import AsyncExitStack
from datetime import date

from isin_worker.compose import open_reconciler
from isin_worker.pipeline.progress import Progress
from isin_worker.reconcile import Visit
from isin_worker.settings import Settings
from isin_worker.states import Trigger


async def reconcile_once(
    settings: Settings, feed: str | None, day: date | None, *, force: bool = False, progress: Progress | None = None
) -> list[Visit]:
    """Reconcile. On SIGTERM or SIGINT the lease is given back, and the process ends as if by that signal (143, 130).

    Raises DateNotAvailable, and what `open_reconciler` raises.
    """
    stopped_by: list[signal.Signals] = []

    def stop(by: signal.Signals) -> None:
        stopped_by.append(by)
        work.cancel()

    async with AsyncExitStack() as stack:
        reconciler = await open_reconciler(settings, stack, progress)
        work = asyncio.ensure_future(reconciler.reconcile(feed=feed, day=day, trigger=Trigger.COMMAND, force=force))
        for by in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(by, stop, by)
        try:
            return await work
        except asyncio.CancelledError:
            if not stopped_by:
                raise
            sys.exit(128 + stopped_by[0])
