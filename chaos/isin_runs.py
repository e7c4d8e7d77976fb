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
import sys
import time
from collections import Counter
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass

import asyncpg
from isin_faults import FAULTS, PATIENCE_SECONDS, PLANTED, Fault
from isin_lane import DIFFERENCE, ROWS, STATE, Lane, lane

KINDS = ("lost", "twice", "half")

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


async def trial(on: Lane, fault: Fault, rng: random.Random) -> Trial:
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
