"""What schedulers lose: ``.venv/bin/python chaos/scheduler_faults.py [--trials 1] [--system NAME] [--fault NAME]``.

Every scheduler has the same job: begin, work for two seconds, insert a row. It ticks every 6 seconds (cron: 60); what
dies is started again a second later. A fault strikes in the middle of a job, three times in a trial (cron: once). A
minute after the last strike each tick that was due since the first is looked at: no row (lost), or more than one
(doubled). Ours has the ledger and a list instead of the row: a business date of it is six seconds long, and each must
be published once. ``make schedulers-faults`` makes the environments, adds its trials to RESULTS, and writes the table
of all of them into the note.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from scheduler_systems import AHEAD_SECONDS, JOB_SECONDS, SYSTEMS, Stage, stage

from isin_worker.testing import eventually
from local_stack.embedded.for_tests import throwaway_servers

NOTES = Path(__file__).parents[1] / "docs/notes"
RESULTS, NOTE = NOTES / "scheduler-faults.jsonl", NOTES / "scheduling.md"
GRACE_SECONDS = 60
Window = tuple[int, int]  # the first and the last slot that count


def now_slot(on: Stage) -> int:
    """The slot of this moment."""
    return on.slot_of(time.time())


async def job_begins(on: Stage) -> None:
    """Wait for a job to begin, and then until it is half done."""
    before = await on.jobs_begun()

    async def another() -> bool:
        return await on.jobs_begun() > before

    await eventually(another, seconds=GRACE_SECONDS + 2 * on.system.period)
    await asyncio.sleep(JOB_SECONDS / 2)


async def striking(on: Stage, strike: Callable[[], Awaitable[None]]) -> Window:
    """Strike in the middle of a job, three times with two ticks between."""
    first = None
    for _ in range(3 if on.system.period < 60 else 1):
        await job_begins(on)
        first = now_slot(on) if first is None else first
        await strike()
        await asyncio.sleep(2 * on.system.period)
    return first or 0, now_slot(on) - 1


async def sigkill(on: Stage) -> Window:
    """SIGKILL of the worker and its children in the middle of a job."""
    return await striking(on, lambda: on.kill("worker"))


async def sigterm(on: Stage) -> Window:
    """SIGTERM of the worker in the middle of a job, as each deployment sends it."""
    return await striking(on, lambda: on.terminate("worker"))


async def broker_restart(on: Stage) -> Window:
    """The broker is away for three seconds in the middle of a job; it remembers what it had."""

    async def restart() -> None:
        await on.stop_broker()
        await asyncio.sleep(3)
        await on.start_broker()

    return await striking(on, restart)


async def down(on: Stage) -> Window:
    """Everything but the broker is down for three and a half ticks."""
    await job_begins(on)
    await asyncio.sleep(JOB_SECONDS)
    first, names = now_slot(on), list(on.processes)
    for name in names:
        await on.terminate(name, for_good=True)
    await asyncio.sleep(3.5 * on.system.period)
    for name in names:
        await on.start(name)
    await asyncio.sleep(2 * on.system.period)
    return first, now_slot(on) - 1


async def two_schedulers(on: Stage) -> Window:
    """A second scheduler, whose clock is 70 seconds fast."""
    await on.start("scheduler ahead" if on.system.scheduler else "worker ahead", ahead=True)
    await asyncio.sleep(AHEAD_SECONDS + 2 * on.system.period)
    first = now_slot(on)
    await asyncio.sleep(max(30, 2 * on.system.period))
    return first, now_slot(on) - 1


async def raises(on: Stage) -> Window:
    """The first attempt of each job raises."""
    first = now_slot(on)
    await asyncio.sleep(5 * on.system.period if on.system.period < 60 else 120)
    return first, now_slot(on) - 1


FAULTS = {fault.__name__: fault for fault in (sigkill, sigterm, broker_restart, down, two_schedulers, raises)}


async def trial(system: str, fault: str) -> dict[str, object]:
    """One fault on one scheduler: how many ticks were due, and what became of them."""
    with tempfile.TemporaryDirectory(prefix="appraise-chaos-") as folder:
        async with stage(SYSTEMS[system], Path(folder), raises=fault == "raises") as on:
            for name in ("worker", *(["scheduler"] if on.system.scheduler else [])):
                await on.start(name)
            await job_begins(on)
            await on.find_phase()
            first, last = await FAULTS[fault](on)
            slots = range(first, last + 1)
            until, found = time.monotonic() + GRACE_SECONDS, Counter[int]()
            while time.monotonic() < until:
                found = Counter[int]()
                for slot, count in await on.effects():
                    found[slot] += count
                await asyncio.sleep(1)
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "system": system,
        "fault": fault,
        "due": len(slots),
        "lost": sum(found[slot] == 0 for slot in slots),
        "doubled": sum(max(0, found[slot] - 1) for slot in slots),
    }


async def matrix(pairs: list[tuple[str, str]], lanes: int, results: Path) -> int:
    """Every trial, so many at once; each becomes a line of ``results``. How many could not be done."""
    free, failures = asyncio.Semaphore(lanes), 0

    async def one(system: str, fault: str) -> None:
        nonlocal failures
        async with free:
            try:
                line = await trial(system, fault)
            except (TimeoutError, OSError, RuntimeError) as error:
                failures += 1
                sys.stdout.write(f"{system}, {fault}: {error!r}\n")
                return
            with results.open("a") as file:
                file.write(json.dumps(line) + "\n")
            sys.stdout.write(f"{system}, {fault}: of {line['due']} lost {line['lost']}, doubled {line['doubled']}\n")
            sys.stdout.flush()

    await asyncio.gather(*(one(*pair) for pair in pairs))
    return failures


def table(results: Path) -> str:
    """All trials so far: in each cell the ticks lost and doubled, of those that were due."""
    sums: dict[tuple[str, str], Counter[str]] = {}
    for line in results.read_text().splitlines():
        seen = json.loads(line)
        cell = sums.setdefault((seen["system"], seen["fault"]), Counter())
        cell.update({name: seen[name] for name in ("due", "lost", "doubled")})
    rows = [f"| | {' | '.join(name.replace('_', ' ') for name in FAULTS)} |", "|---" * (len(FAULTS) + 1) + "|"]
    rows += [f"| {system} | {' | '.join(_cell(sums.get((system, fault))) for fault in FAULTS)} |" for system in SYSTEMS]
    return "\n".join(rows) + "\n"


def _cell(sums: Counter[str] | None) -> str:
    if sums is None:
        return ""
    bad = [f"{sums[name]} {name}" for name in ("lost", "doubled") if sums[name]]
    return f"**{', '.join(bad)}** of {sums['due']}" if bad else f"{sums['due']} of {sums['due']}"


def main() -> int:
    """The command line. Ends with 1 when a trial could not be done, or when ours lost or doubled a date."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1)
    parser.add_argument("--lanes", type=int, default=8)
    parser.add_argument("--system", choices=SYSTEMS, action="append")
    parser.add_argument("--fault", choices=FAULTS, action="append")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--table", action="store_true", help="only print what is known so far")
    asked = parser.parse_args()
    failures = 0
    if not asked.table:
        systems = sorted(asked.system or SYSTEMS, key=lambda name: -SYSTEMS[name].period)  # the slow one first
        pairs = [
            (system, fault)
            for _ in range(asked.trials)
            for system in systems
            for fault in asked.fault or FAULTS
            if SYSTEMS[system].broker or fault != "broker_restart"
        ]
        with throwaway_servers() as servers:
            os.environ["APPRAISE_TEST_POSTGRES_URL"] = servers.postgres_url
            failures = asyncio.run(matrix(pairs, asked.lanes, asked.results))
    sys.stdout.write(table(asked.results))
    if asked.results == RESULTS:
        before, begin, rest = NOTE.read_text().partition("<!-- faults: written by chaos/scheduler_faults.py -->\n")
        NOTE.write_text(f"{before}{begin}\n{table(RESULTS)}\n<!-- end{rest.partition('<!-- end')[2]}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
