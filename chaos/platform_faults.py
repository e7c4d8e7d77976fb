"""Breaks the running platform, one fault after another under load, and looks whether anything was lost or done twice.

    .venv/bin/python chaos/platform_faults.py [--trials 5] [--only kill-rewards,…] [--planted lost-idempotency,…]
                                              [--kept FILE] [--minutes 7] [--once] [--patience 30] [--seed 1]

People start tasks, hand in screenshots (some over a slow line), decide, adjust, look up ISINs and order the list anew,
through the gateway; each request is repeated until it is answered, some at once twice, some much later again. A trial
is one fault at a random moment of this; all parts must be ready within ``--patience`` seconds, workers included. A
round is up to five trials of one fault while the load goes on; then everybody finishes what they are at, and
platform_invariants.py compares what they were told with the ledger, the tasks, the files and the sessions. After
``--minutes`` no file may belong to nobody, no lease and no run may be stuck; then a new platform is made.

With ``--kept`` each round is a line in that file, and what it has is not done again: a run that was stopped goes on.
With planted defects the run must find each of them; it ends with 1 when it does not, and when a fault did harm.
"""

# ruff: noqa: T201 - a script prints

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import psutil
from platform_crowd import Crowd
from platform_fault_table import FAULTS, Fault
from platform_invariants import afterwards, violations
from platform_lane import Lane, made, running
from platform_planted import DEFECTS, planted
from platform_rounds import Round, Rounds

PEOPLE = 8
IN_A_ROW = 5
"""Trials between two looks."""
LOOKS_FOR_A_DEFECT = 8


class Run:
    """What is to be done, and what was."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.rounds = Rounds(options.kept)
        self.left_out: dict[str, str] = {}
        self._random = Random(f"{options.seed} {len(self.rounds)}")  # noqa: S311 - to be repeated

    def _due(self) -> Iterator[tuple[Fault, int]]:
        """The faults that are left, and how many trials of each."""
        only = self.options.only.split(",") if self.options.only else None
        for fault in FAULTS:
            # The one with the clock has a run of its own: it puts itself before the clock of all services.
            if (fault.name in only) if only else not fault.needs_clock:
                missing = fault.trials(self.options.trials) - self.rounds.trials(fault.name)
                if missing > 0 and fault.name not in self.left_out:
                    yield fault, missing

    def _next(self) -> tuple[Fault, int] | None:
        """The one that is furthest from what is wanted: a run that is stopped has tried all alike."""
        return max(self._due(), key=lambda due: due[1] / due[0].trials(self.options.trials), default=None)

    def go(self) -> None:
        """Until nothing is left, on one platform after the other; or on one."""
        with tempfile.TemporaryDirectory() as folder:
            made(Path(folder) / "made")
            while any(self._due()):
                self._on_a_new_platform(Path(folder), planting=False)
                if self.options.once:
                    break
            if self.options.planted:
                self._on_a_new_platform(Path(folder), planting=True)

    def _on_a_new_platform(self, folder: Path, *, planting: bool) -> None:
        shutil.copytree(folder / "made", folder / "var")
        asyncio.run(self._find(folder / "var") if planting else self._live(folder / "var"))
        shutil.rmtree(folder / "var")
        if left := psutil.Process().children(recursive=True):
            self._add(Round.now("no process is left", 1, [], [f"{one}" for one in left]))

    async def _live(self, var: Path) -> None:
        faults = [fault for fault, _ in self._due()]
        needs_clock, needs_disk = (any(getattr(f, need) for f in faults) for need in ("needs_clock", "needs_own_disk"))
        until = time.monotonic() + 60 * self.options.minutes
        async with running(var, clock=needs_clock, own_disk=needs_disk) as lane:
            async with self._crowd(lane) as crowd:
                for fault in faults:
                    if lack := fault.lacks(lane):
                        self.left_out[fault.name] = lack
                while (due := self._next()) and time.monotonic() < until and crowd.can_go_on:
                    fault, missing = due
                    self._add(await self._tried(lane, crowd, fault, min(missing, IN_A_ROW)))
                if not crowd.waiting():
                    await crowd.finish_the_list()
            if not crowd.waiting():
                self._add(Round.now("files, leases, runs", 1, [], await afterwards(lane)))
            for name, count in sorted(crowd.seen().items()):
                print(f"  {name:32} {count:9,}")

    async def _tried(self, lane: Lane, crowd: Crowd, fault: Fault, trials: int) -> Round:
        """Some faults in a row under load, and what is true afterwards."""
        crowd.go_on()
        told, began = len(crowd.traffic.faults), time.monotonic()
        recoveries, found = [], []
        for _ in range(trials):
            await asyncio.sleep(self._random.uniform(0.1, 0.9))
            await fault(lane, self._random)
            try:
                recoveries.append(round(await lane.ready_again(self.options.patience), 2))
            except TimeoutError:
                found.append(f"not all ready again within {self.options.patience} s")
        try:
            await crowd.pause(2 * self.options.patience)
        except TimeoutError:
            found.append(f"not answered: {crowd.waiting()}")
        else:
            found += [*crowd.traffic.faults[told:], *await violations(lane, crowd.earners)]
        return Round.now(fault.name, trials, recoveries, found, time.monotonic() - began)

    async def _find(self, var: Path) -> None:
        """Each planted defect, by people who know nothing of the one before."""
        fault = next(fault for fault in FAULTS if fault.name == "lost-answers")
        async with running(var) as lane:
            for defect in self.options.planted.split(","):
                async with planted(defect, lane), self._crowd(lane) as crowd:
                    looks, found = 0, []
                    while not found and looks < LOOKS_FOR_A_DEFECT:
                        looks += 1
                        found = (await self._tried(lane, crowd, fault, 1)).violations
                if found:
                    print(f"planted {defect}: found by look {looks}: {found[0][:150]}")
                else:
                    self._add(Round.now(f"planted {defect}", looks, [], ["not found"]))

    def _crowd(self, lane: Lane) -> Crowd:
        return Crowd(lane, self._random, PEOPLE, self.options.apps)

    def _add(self, one: Round) -> None:
        self.rounds.add(one)
        harm = "".join(f"\n    {violation}" for violation in one.violations[:3])
        print(f"{time.strftime('%H:%M:%S')} {one.fault}: {one.trials} trials, {len(one.violations)} violations{harm}")
        sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=5, help="of each fault; of kill-rewards five times as many")
    parser.add_argument("--only", help="names of faults, with commas between")
    parser.add_argument("--planted", help=f"defects, with commas between: {', '.join(DEFECTS)}")
    parser.add_argument("--kept", type=Path)
    parser.add_argument("--minutes", type=float, default=7, help="so long one platform lives")
    parser.add_argument("--once", action="store_true", help="on one platform; the rest another time")
    parser.add_argument("--patience", type=float, default=30, help="seconds within which all must be ready again")
    parser.add_argument("--apps", type=int, default=300, help="each person does each of them once")
    parser.add_argument("--seed", type=int, default=1)
    run = Run(parser.parse_args())
    run.go()
    print(run.rounds.table())
    for fault, lack in run.left_out.items():
        print(f"{fault}: left out, {lack}")
    sys.exit(bool(run.rounds.violations))


if __name__ == "__main__":
    main()
