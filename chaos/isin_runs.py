"""The fault matrix of the ISIN runs: ``.venv/bin/python chaos/isin_runs.py [--trials 30] [--lanes 8] [--only NAME]``.

``--planted`` puts a defect into the workers instead, one after the other, and ends well if each trial sees it.

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
from isin_lane import DIFFERENCE, FEED, NEW, ROWS, STATE, Lane, lane

from isin_worker.testing import PATH, Served, eventually, make_list, make_row, make_zip
from isin_worker.testing.firds import make_changes, make_record

STALE = make_list(make_row(number, "Stale" if number < 50 else None) for number in range(ROWS))
"""What the publisher had before it put today's list in its place."""
PAGE = b"<!DOCTYPE html><title>Access denied</title>"
KINDS = ("lost", "twice", "half")
OUTAGE_SECONDS = 20
PATIENCE_SECONDS = 90

_OUTCOME = """
SELECT (SELECT count(*) FROM run WHERE feed = p.feed AND business_date = p.business_date AND status = 'succeeded'),
    (SELECT json_object_agg(kind, total) FROM
        (SELECT kind, count(*) AS total FROM isin_change WHERE run_id = p.run_id GROUP BY kind) AS counted)::text,
    (SELECT count(*) FROM isin_change), (SELECT max(attempts) FROM run),
    p.business_date
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


FAULTS: Mapping[str, Callable[[Lane, random.Random], Awaitable[None]]] = {
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
        lost = not await ring_until_done(on, 20 if on.defect else PATIENCE_SECONDS)
        seconds = time.monotonic() - started
        await on.reconcile()  # once more: nothing may change
        return await outcome(on, lost=lost, seconds=seconds)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await on.end_workers()


async def ring_until_done(on: Lane, seconds: float) -> bool:
    """Whether today's list is published in time, with a ring now and then and dead workers started again."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
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
        succeeded, logged, total, attempts, day = await connection.fetchrow(_OUTCOME)
        state = await connection.fetchval(STATE)
    finally:
        await connection.close()
    twice = json.loads(logged or "{}") != DIFFERENCE or total != ROWS + sum(DIFFERENCE.values())
    half = bool(on.seen - {on.old, state}) or state == on.old
    return Trial(lost or succeeded != 1 or day != await on.today(), twice, half, attempts, seconds)


async def matrix(names: list[str], trials: int, lanes: int, seed: int, defect: str = "") -> Counter[str]:
    """Every fault so many times, a line of the table for each; the violations by their kind."""
    violations: Counter[str] = Counter()
    async with AsyncExitStack() as stack:
        free: asyncio.Queue[Lane] = asyncio.Queue()
        for _ in range(lanes):
            free.put_nowait(await stack.enter_async_context(lane(defect)))

        async def one(name: str, number: int) -> Trial:
            on = await free.get()
            try:
                return await trial(on, FAULTS[name], random.Random(f"{seed} {name} {number}"))  # noqa: S311 - no secret
            finally:
                free.put_nowait(on)

        for name in names:
            done = await asyncio.gather(*(one(name, number) for number in range(trials)))
            counts = Counter(kind for came in done for kind in KINDS if getattr(came, kind))
            violations += counts
            slowest, attempts = max(came.seconds for came in done), max(came.attempts for came in done)
            found = "".join(f"{counts[kind]:6}" for kind in KINDS)
            _print(f"{name:26}{trials:6}{found}{slowest:10.1f}{attempts:10}")
    return violations


async def planted(trials: int, lanes: int, seed: int) -> bool:
    """Whether each defect is seen in every trial of its fault."""
    all_seen = True
    for defect, (fault, kind) in PLANTED.items():
        _print(f"{defect} planted:")
        seen = (await matrix([fault], trials, lanes, seed, defect))[kind]
        _print(f"    seen as {kind} in {seen} of {trials}")
        all_seen = all_seen and seen == trials
    return all_seen


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """The command line. Ends with 1 when there was a violation, or when a planted defect was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--lanes", type=int, default=8)
    parser.add_argument("--only", choices=sorted(FAULTS), action="append")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--planted", action="store_true")
    asked = parser.parse_args()
    _print(f"{'fault':26}trials{''.join(f'{kind:>6}' for kind in KINDS)} slowest s  attempts")
    if asked.planted:
        seen = asyncio.run(planted(asked.trials, asked.lanes, asked.seed))
        _print("every planted defect was seen in every trial" if seen else "a planted defect was MISSED")
        return 0 if seen else 1
    names = asked.only or list(FAULTS)
    violations = asyncio.run(matrix(names, asked.trials, asked.lanes, asked.seed)).total()
    _print(f"{violations} violations in {len(names) * asked.trials} trials of {len(names)} faults")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
