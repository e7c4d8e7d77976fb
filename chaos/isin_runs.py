"""The fault matrix of the ISIN runs: ``.venv/bin/python chaos/isin_runs.py [--trials 30] [--lanes 8] [--only NAME]``.

In each trial yesterday's list stands and today's is due; the fault strikes; whoever supervises the workers starts them
again, and the bell is rung until the run is done. Afterwards today's list must stand (else the day is lost), each of
its 25 differences must be in the history once (else it was published twice), and no reader may ever have seen anything
but one list or the other (else it was half published). A further ring must change nothing.
"""

import argparse
import asyncio
import json
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass

import asyncpg
import redis.asyncio
from isin_lane import DIFFERENCE, NEW, ROWS, STATE, Lane, lane

from isin_worker.testing import eventually

OUTAGE_SECONDS = 20
PATIENCE_SECONDS = 90

_OUTCOME = """
SELECT (SELECT count(*) FROM run WHERE feed = p.feed AND business_date = p.business_date AND status = 'succeeded'),
    (SELECT json_object_agg(kind, total) FROM
        (SELECT kind, count(*) AS total FROM isin_change WHERE run_id = p.run_id GROUP BY kind) AS counted)::text,
    (SELECT count(*) FROM isin_change), (SELECT max(attempts) FROM run),
    p.business_date = (now() AT TIME ZONE 'UTC')::date OR now()::time < '02:00'
FROM publication AS p
"""
_DONE = "SELECT count(*) = 2 AND bool_and(status = 'succeeded') FROM run"


@dataclass(frozen=True)
class Trial:
    """What came out."""

    lost: bool
    twice: bool
    half: bool
    attempts: int
    seconds: float


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


async def busy_worker(on: Lane) -> None:
    """A worker in the middle of its download."""
    on.publisher.held = asyncio.Event()
    await on.add_worker()
    await on.publisher.waiting.wait()


async def valkey_restarts_idle(on: Lane, rng: random.Random) -> None:  # noqa: ARG001 - all faults are called alike
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


FAULTS: Mapping[str, Callable[[Lane, random.Random], Awaitable[None]]] = {
    fault.__name__: fault
    for fault in (
        sigkill,
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
    )
}


def _let_go(on: Lane) -> None:
    if on.publisher.held is not None:
        on.publisher.held.set()
    on.publisher.held = None


async def trial(on: Lane, fault: Callable[[Lane, random.Random], Awaitable[None]], rng: random.Random) -> Trial:
    """One fault, and what is true afterwards."""
    await on.reset()
    started = time.monotonic()
    watching = asyncio.create_task(on.watch())
    try:
        await fault(on, rng)
        lost = not await ring_until_done(on)
        seconds = time.monotonic() - started
        await on.reconcile()  # once more: nothing may change
        return await outcome(on, lost=lost, seconds=seconds)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await on.end_workers()


async def ring_until_done(on: Lane) -> bool:
    """Whether today's list is published in time, with a ring now and then and dead workers started again."""
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                    if await on.ask(_DONE):
                        return True
                if all(worker.returncode is not None for worker in on.workers):
                    await on.add_worker()
                await on.ring()
                await asyncio.sleep(0.3)
    return False


async def outcome(on: Lane, *, lost: bool, seconds: float) -> Trial:
    """What the tables and the readers say."""
    connection = await asyncpg.connect(on.database_url)
    try:
        succeeded, logged, total, attempts, today = await connection.fetchrow(_OUTCOME)
        state = await connection.fetchval(STATE)
    finally:
        await connection.close()
    twice = json.loads(logged or "{}") != DIFFERENCE or total != ROWS + sum(DIFFERENCE.values())
    half = bool(on.seen - {on.old, state}) or state == on.old
    return Trial(lost or succeeded != 1 or not today, twice, half, attempts, seconds)


async def matrix(names: list[str], trials: int, lanes: int, seed: int) -> bool:
    """Every fault so many times; whether all is well."""
    good = True
    async with AsyncExitStack() as stack:
        free: asyncio.Queue[Lane] = asyncio.Queue()
        for _ in range(lanes):
            free.put_nowait(await stack.enter_async_context(lane()))

        async def one(name: str, number: int) -> Trial:
            on = await free.get()
            try:
                return await trial(on, FAULTS[name], random.Random(f"{seed} {name} {number}"))  # noqa: S311 - no secret
            finally:
                free.put_nowait(on)

        for name in names:
            done = await asyncio.gather(*(one(name, number) for number in range(trials)))
            counts = Counter(
                problem for came in done for problem in ("lost", "twice", "half") if getattr(came, problem)
            )
            good = good and not counts
            slowest = max(came.seconds for came in done)
            attempts = sorted({came.attempts for came in done})
            sys.stdout.write(
                f"{name:24} {trials} trials: {counts['lost']} lost, {counts['twice']} twice, {counts['half']} half;"
                f" slowest {slowest:.1f} s, attempts {attempts}\n"
            )
            sys.stdout.flush()
    return good


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--lanes", type=int, default=8)
    parser.add_argument("--only", choices=sorted(FAULTS), action="append")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    return 0 if asyncio.run(matrix(asked.only or list(FAULTS), asked.trials, asked.lanes, asked.seed)) else 1


if __name__ == "__main__":
    sys.exit(main())
