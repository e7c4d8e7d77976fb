"""Breaks the running platform, one fault after another under load, and looks whether anything was lost or done twice.

    .venv/bin/python chaos/platform_faults.py [--trials 5] [--only kill-rewards,…] [--planted lost-idempotency]
                                              [--apps 400] [--seed 1] [--json FILE]

People start tasks, hand in screenshots, decide and adjust, through the gateway; each request is repeated until it is
answered, some at once twice, some much later again. A trial is one fault at a random moment; then all parts must be
ready within 30 s, everybody finishes what they are at, and platform_invariants.py compares what they were told with
the ledger, the tasks, the files and the sessions. At the end no file is left that belongs to nobody.

The upper bound on how often a fault does harm is that of 95 % confidence: 3/n after n trials without a violation.
With a planted defect the run must find violations; it ends with 1 when it does not.
"""

# ruff: noqa: T201 - a script prints

import argparse
import asyncio
import json
import os
import sys
import tempfile
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random

import psutil
from platform_crowd import Crowd
from platform_fault_table import FAULTS, Fault
from platform_invariants import orphans_after_a_sweep, violations
from platform_lane import Lane, made, running, small_disk
from platform_planted import DEFECTS, planted

PEOPLE = 8


@dataclass
class Result:
    """What came of all trials of one fault."""

    fault: str
    trials: int = 0
    violations: list[str] = field(default_factory=list)
    slowest_recovery: float = 0.0

    @property
    def bound(self) -> float:
        """The share of such faults that may do harm, at 95 % confidence."""
        return 1.0 if self.violations else min(1.0, 3 / max(1, self.trials))


async def trial(lane: Lane, crowd: Crowd, fault: Fault, random: Random, result: Result) -> None:
    """One fault, and what is true afterwards."""
    crowd.go_on()
    await asyncio.sleep(random.uniform(0.2, 1.2))
    told = len(crowd.traffic.faults)
    try:
        await fault(lane, random)
        recovery = await lane.ready_again()
        await crowd.pause()
    except TimeoutError:
        found = [f"not ready, or people not answered, in time: {crowd.waiting()}"]
    else:
        result.slowest_recovery = max(result.slowest_recovery, recovery)
        found = [*crowd.traffic.faults[told:], *await violations(lane, crowd.earners)]
    result.trials += 1
    result.violations += found
    for one in found[:3]:
        print(f"  {fault.name}: {one}")


def chosen(only: str | None) -> list[Fault]:
    """The faults of this run. The one with the clock has a run of its own: it puts a library before all services."""
    if only:
        return [fault for fault in FAULTS if fault.name in only.split(",")]
    return [fault for fault in FAULTS if not fault.needs_clock]


def missing(fault: Fault, lane: Lane) -> str | None:
    """What this machine lacks for it."""
    if fault.needs_root and os.geteuid() != 0:
        return "it needs root"
    return "it needs libfaketime" if fault.needs_clock and lane.clock is None else None


async def run(options: argparse.Namespace, var: Path) -> list[Result]:
    """All trials, on one platform that runs through all of them."""
    random = Random(options.seed)  # noqa: S311 - to be repeated
    faults = chosen(options.only)
    own_disk = any(fault.needs_root for fault in faults) and os.geteuid() == 0
    results = []
    with small_disk(var / "blobs") if own_disk else nullcontext():
        async with (
            running(var, clock=any(fault.needs_clock for fault in faults)) as lane,
            planted(options.planted, lane),
            Crowd(lane, random, PEOPLE, options.apps) as crowd,
        ):
            for fault in faults:
                if lack := missing(fault, lane):
                    print(f"{fault.name}: left out, {lack}")
                    continue
                result = Result(fault.name)
                for _ in range(fault.trials(options.trials)):
                    await trial(lane, crowd, fault, random, result)
                results.append(result)
                print(
                    f"{fault.name:24} {result.trials:4} trials {len(result.violations):4} violations  "
                    f"at most {100 * result.bound:5.1f} %   ready again after at most {result.slowest_recovery:4.1f} s",
                    flush=True,
                )
            await crowd.pause()
            end = Result("afterwards, all files", 1, await orphans_after_a_sweep(lane))
            results.append(end)
            print("files:", *(end.violations or ["none lost, none that belongs to nobody"]))
            for name, count in sorted(crowd.traffic.answers.items()):
                print(f"  {name:32} {count:9,}")
            for name, count in crowd.acknowledged().items():
                print(f"  {name:32} {count:9,}")
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=5, help="of each fault; of kill-rewards five times as many")
    parser.add_argument("--only", help="names of faults, with commas between")
    parser.add_argument("--planted", choices=DEFECTS)
    parser.add_argument("--apps", type=int, default=400, help="each person does each of them once")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made(Path(folder) / "var")
        results = asyncio.run(run(options, Path(folder) / "var"))
        if psutil.Process().children(recursive=True):
            results.append(Result("afterwards, all processes", 1, ["processes are left"]))
    if options.json:
        options.json.write_text(json.dumps([asdict(result) for result in results], indent=1))
    broken = any(result.violations for result in results)
    sys.exit(int(not broken if options.planted else broken))


if __name__ == "__main__":
    main()
