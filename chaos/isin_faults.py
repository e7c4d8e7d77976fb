"""What strikes the ISIN runs in the fault matrix, and the defects that are planted to see whether it shows them."""

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable, Mapping

import asyncpg
import redis.asyncio
from isin_lane import FEED, NEW, ROWS, Lane

from isin_worker.testing import PATH, Served, eventually, make_list, make_row, make_zip
from isin_worker.testing.firds import make_changes, make_record

STALE = make_list(make_row(number, "Stale" if number < 50 else None) for number in range(ROWS))
"""What the publisher had before it put today's list in its place."""
PAGE = b"<!DOCTYPE html><title>Access denied</title>"
OUTAGE_SECONDS = 20
PATIENCE_SECONDS = 90

Fault = Callable[[Lane, random.Random], Awaitable[None]]


async def requested(on: Lane) -> None:
    """A worker has asked the publisher."""

    async def asked() -> bool:
        return bool(on.publisher.requests)

    await eventually(asked)


async def mid_run(on: Lane, rng: random.Random) -> None:
    """A worker is at some point of its run: still downloading, reading, comparing, publishing, or just done."""
    await requested(on)
    await asyncio.sleep(rng.uniform(0, 0.4))


async def sigkill(on: Lane, rng: random.Random) -> None:
    """SIGKILL of the worker in the middle of a run."""
    worker = await on.add_worker()
    await mid_run(on, rng)
    worker.send_signal(signal.SIGKILL)
    await worker.wait()
    await on.add_worker()


async def sigkill_mid_download(on: Lane, rng: random.Random) -> None:  # noqa: ARG001 - all faults are called alike
    """SIGKILL of the worker while it downloads, so that nobody can have published anything."""
    worker = await busy_worker(on)
    worker.send_signal(signal.SIGKILL)
    await worker.wait()
    _let_go(on)
    await on.add_worker()


async def sigterm(on: Lane, rng: random.Random) -> None:
    """SIGTERM of the worker in the middle of a run."""
    worker = await on.add_worker()
    await mid_run(on, rng)
    worker.send_signal(signal.SIGTERM)
    if await worker.wait() != 0:
        raise RuntimeError("the worker did not end well")
    await on.add_worker()


async def idle_worker(on: Lane) -> None:
    """A worker that is up and has nothing to do: today is not due yet."""
    on.publisher.failures = [503] * 1000
    await on.add_worker()
    await requested(on)


async def busy_worker(on: Lane) -> asyncio.subprocess.Process:
    """A worker in the middle of its download."""
    on.publisher.held = asyncio.Event()
    worker = await on.add_worker()
    await on.publisher.waiting.wait()
    return worker


async def valkey_restarts_idle(on: Lane, rng: random.Random) -> None:  # noqa: ARG001 - as above
    """The queue restarts while the worker waits."""
    await idle_worker(on)
    await on.stop("valkey")
    await on.start("valkey")
    on.publisher.failures = []


async def valkey_restarts_mid_run(on: Lane, rng: random.Random) -> None:  # noqa: ARG001 - as above
    """The queue restarts while the worker downloads."""
    await busy_worker(on)
    await on.stop("valkey")
    await on.start("valkey")
    _let_go(on)


async def valkey_away_idle(on: Lane, rng: random.Random) -> None:  # noqa: ARG001 - as above
    """The queue is away for 20 seconds while the worker waits."""
    await idle_worker(on)
    await on.stop("valkey")
    await asyncio.sleep(OUTAGE_SECONDS)
    on.publisher.failures = []
    await on.start("valkey")


async def valkey_away_mid_run(on: Lane, rng: random.Random) -> None:
    """The queue goes for 20 seconds in the middle of a run, which ends while it is away."""
    await busy_worker(on)
    await on.stop("valkey")
    await asyncio.sleep(rng.uniform(0, 1))
    _let_go(on)
    await asyncio.sleep(OUTAGE_SECONDS)
    await on.start("valkey")


async def valkey_emptied(on: Lane, rng: random.Random) -> None:
    """Everything in the queue is deleted in the middle of a run."""
    await on.add_worker()
    await mid_run(on, rng)
    async with redis.asyncio.from_url(on.valkey.url()) as client:
        await client.flushall()


async def postgres_restarts(on: Lane, rng: random.Random) -> None:
    """Postgres restarts in the middle of a run."""
    await on.add_worker()
    await mid_run(on, rng)
    await on.stop("postgres")
    await on.start("postgres")


async def no_worker(on: Lane, rng: random.Random) -> None:  # noqa: ARG001 - as above
    """Three rings are heard by nobody, and then forgotten."""
    for _ in range(3):
        await on.ring()
    async with redis.asyncio.from_url(on.valkey.url()) as client:
        await client.flushall()
    await on.add_worker()


async def three_workers(on: Lane, rng: random.Random) -> None:
    """Three workers at once, one of them with a clock that is 70 seconds fast, and a ring for each."""
    for ahead in (False, True, False):
        await on.add_worker(ahead=ahead)
        await asyncio.sleep(rng.uniform(0, 0.3))
    await asyncio.gather(*(on.ring() for _ in range(3)))


async def cut(on: Lane, rng: random.Random) -> None:
    """The publisher breaks the connection after some of the list, twice."""
    on.publisher.cuts = [rng.randrange(len(NEW)), rng.randrange(len(NEW))]
    await on.add_worker()


async def stall(on: Lane, rng: random.Random) -> None:  # noqa: ARG001 - as above
    """The publisher stops in the middle of the list and says nothing more."""
    await busy_worker(on)

    async def given_up() -> bool:
        return await on.ask("SELECT count(*) = 1 FROM run WHERE status = 'failed'") is True

    await eventually(given_up)
    _let_go(on)


async def answers_500(on: Lane, rng: random.Random) -> None:
    """The publisher answers 500, once to three times."""
    on.publisher.failures = [500] * rng.randint(1, 3)
    await on.add_worker()


async def answers_403(on: Lane, rng: random.Random) -> None:
    """The publisher answers 403 with a page, once to three times."""
    on.publisher.failures = [403] * rng.randint(1, 3)
    await on.add_worker()


async def answers_a_page(on: Lane, rng: random.Random) -> None:
    """The publisher sends a page as if it were the list, once to three times."""
    on.publisher.files[PATH] = Served(NEW, decoys=[PAGE] * rng.randint(1, 3))
    await on.add_worker()


async def truncated_zip(on: Lane, rng: random.Random) -> None:
    """The list is in a zip, of which the publisher has only the beginning, once to three times."""
    whole = make_zip({"list.csv": NEW})
    beginnings = [whole[: rng.randrange(1, len(whole))] for _ in range(rng.randint(1, 3))]
    on.publisher.files[PATH] = Served(whole, decoys=beginnings)
    await on.add_worker()


async def wrong_checksum(on: Lane, rng: random.Random) -> None:
    """The file is another one than is listed: once, which mends itself, or twice. Then somebody has to ask again."""
    served = await on.reset_checked()
    wrong = make_zip({"list.xml": make_changes([("terminated", make_record(number)) for number in range(100)])})
    served.decoys = [wrong] * rng.randint(1, 2)
    held = len(served.decoys) == 2
    await on.add_worker()
    if held:

        async def is_held() -> bool:
            return await on.ask("SELECT gate->0->>'gate' = 'checksum' FROM run WHERE status = 'held'") is True

        await eventually(is_held, seconds=PATIENCE_SECONDS)
        await on.reconcile(day=await on.today(), force=True)


async def paused(on: Lane, rng: random.Random) -> None:  # noqa: ARG001 - as above
    """A worker stands still after its download, for longer than its lease; then it and another one publish."""
    on.publisher.content = STALE
    door = await asyncpg.connect(on.database_url)
    try:
        await door.execute("SELECT pg_advisory_lock(hashtextextended($1, 0))", FEED)
        worker = await on.add_worker()
        await eventually(lambda: _waiting_at_the_door(on, 1))
        worker.send_signal(signal.SIGSTOP)
        on.publisher.content = NEW

        async def lease_is_over() -> bool:
            return await on.ask("SELECT lease_expires_at < now() FROM run WHERE status = 'running'") is True

        await eventually(lease_is_over)
        await on.add_worker()
        await eventually(lambda: _waiting_at_the_door(on, 2))
    finally:
        await door.close()
    worker.send_signal(signal.SIGCONT)


async def _waiting_at_the_door(on: Lane, count: int) -> bool:
    return await on.ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") == count


def _let_go(on: Lane) -> None:
    if on.publisher.held is not None:
        on.publisher.held.set()
    on.publisher.held = None


FAULTS: Mapping[str, Fault] = {
    fault.__name__: fault
    for fault in (
        sigkill,
        sigkill_mid_download,
        sigterm,
        valkey_restarts_idle,
        valkey_restarts_mid_run,
        valkey_away_idle,
        valkey_away_mid_run,
        valkey_emptied,
        postgres_restarts,
        no_worker,
        three_workers,
        cut,
        stall,
        answers_500,
        answers_403,
        answers_a_page,
        truncated_zip,
        wrong_checksum,
        paused,
    )
}
PLANTED: Mapping[str, tuple[str, str]] = {
    "no_fence": ("paused", "twice"),
    "no_takeover": ("sigkill_mid_download", "lost"),
    "removals_first": ("no_worker", "half"),
}
"""Defects, each with a fault that must bring it to light in every trial, and what must be seen then."""
