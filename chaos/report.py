"""Every attack on the platform, one after the other, and the report of them: ``make chaos``, or ``make chaos-quick``.

    .venv/bin/python chaos/report.py [--quick] [--only NAME,…]
    .venv/bin/python chaos/report.py --so-far       # no attack: the report, with how far the long ones are

What each script printed the last time that it ran in full is kept in chaos/outcomes, and docs/reliability.md is made of
that: the attacks may be carried out on different days. Ends with 1 when one of them found a fault, and when a planted
defect was not found. The longest one can be stopped at any time: the next run goes on where it was.

Those whose figures are times and rates have the machine for themselves; of the others two go on at once, each with a
platform of its own.
"""

# ruff: noqa: T201 - a script prints

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from platform_rounds import Rounds, commit

FOLDER = Path(__file__).parent
REPORT = FOLDER.parent / "docs" / "reliability.md"
KEPT = FOLDER / "outcomes"
"""Of full runs, a file each."""
PREFACE = FOLDER / "what_must_hold.md"
TIMED = re.compile(r"(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d ")
"""How lines begin that tell how far it is, and those of a log."""
ROUNDS = Path("var/chaos")
"""Where the long attacks note how far they are."""


@dataclass(frozen=True)
class Attack:
    """One script: what it shows, and its arguments in a full and in a quick run (None: left out there)."""

    name: str
    shows: str
    script: str
    full: str
    quick: str | None = None
    alone: bool = False
    """Nothing else of ours goes on meanwhile."""


PLANTED = "--planted lost-idempotency,check-then-act"
ATTACKS = (
    Attack(
        "load",
        "More than the platform can take, many logins at once, slow clients, a thousand connections",
        "platform_load.py", "--seconds 7", alone=True,
    ),
    Attack(
        "services",
        "Each service killed under load: 502, 503, 504 as problems while it is away, and none afterwards",
        "platform_services.py", "--rounds 6", alone=True,
    ),
    Attack(
        "platform",
        "Every process killed, the stores stopped, restarted and emptied, the links between any two parts reset and"
        " stalled, answers lost, a full disk, under load through the gateway: nothing that was acknowledged is lost,"
        " nothing is done twice, no file is an orphan, nothing is stuck, and all is ready again within 30 s",
        "platform_faults.py", f"--trials 60 --kept {ROUNDS}/platform.jsonl",
        f"--trials 1 --apps 100 --patience 120 {PLANTED}",
    ),
    Attack(
        "soak",
        "Half an hour of steady load: the memory and the open files of each process stay flat",
        "platform_soak.py", "--minutes 30",
    ),
    Attack(
        "contract",
        "Schemathesis over the whole contract, with data that it allows and data that it does not",
        "contract_fuzz.py", "",
    ),
    Attack("isin", "The fault matrix of the daily lists: no day is lost, twice or half", "isin_runs.py", "--trials 5"),
    Attack("isin-planted", "The same with planted defects: each must be found", "isin_runs.py", "--planted --trials 3"),
    Attack(
        "planted",
        "The platform with planted defects, each of which must be found: answers that are not kept under their keys;"
        " and two reviewers who both see a task as undecided (the database refuses a second credit: its rules go, too)",
        "platform_faults.py", f"--trials 0 {PLANTED}",
    ),
    Attack(
        "clocks",
        "The services' clocks jump by 70 s to and fro under load, the database's does not",
        "platform_faults.py", f"--only clock-jump --trials 60 --kept {ROUNDS}/clocks.jsonl",
    ),
    Attack("bytes", "Hostile bytes, h11 as the judge of what reached the service", "gateway_fuzz.py", "--seconds 300"),
    Attack("upstreams", "The service behind the gateway killed under load", "gateway_upstreams.py", "--kills 20"),
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What an attack printed, whether it found something, and where that was."""

    name: str
    shows: str
    command: str
    day: str
    commit: str
    machine: str
    passed: bool
    minutes: float
    printed: str

    @property
    def verdict(self) -> str:
        """For the table."""
        return "held" if self.passed else "**did not hold**"

    @classmethod
    def now(cls, attack: Attack, *, passed: bool, minutes: float, printed: str, day: str) -> "Outcome":
        """On this machine."""
        system = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
        machine = f"{system}, load {os.getloadavg()[1]:.1f} over the last five minutes"
        command = f"chaos/{attack.script} {attack.full}"
        return cls(attack.name, attack.shows, command, day, commit(), machine, passed, round(minutes, 1), printed)


def today() -> str:
    """In UTC."""
    return f"{datetime.now(UTC):%Y-%m-%d}"


def carried_out(attack: Attack, arguments: str) -> Outcome:
    """Run it; what it prints is shown at once, too, and lines that begin with the time of day are only shown."""
    print(f"{attack.name}: chaos/{attack.script} {arguments}", flush=True)
    day, began, lines = today(), time.monotonic(), []
    with subprocess.Popen(  # noqa: S603 - our own scripts
        [sys.executable, FOLDER / attack.script, *arguments.split()],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=FOLDER.parent,
    ) as process:  # fmt: skip
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        for line in process.stdout:
            print(f"{attack.name}: {line}", end="", flush=True)
            lines.append(line)
    printed = "".join(line for line in lines if not TIMED.match(line))
    minutes = Rounds(notes(attack)).minutes or (time.monotonic() - began) / 60
    return Outcome.now(attack, passed=process.returncode == 0, minutes=minutes, printed=printed, day=day)


def all_carried_out(chosen: Mapping[Attack, str]) -> Iterator[tuple[Attack, Outcome]]:
    """As each ends: those that must be alone, and then the others, two at once."""
    for attack in filter(lambda attack: attack.alone, chosen):
        yield attack, carried_out(attack, chosen[attack])
    with ThreadPoolExecutor(2) as pool:
        begun = {
            pool.submit(carried_out, attack, arguments): attack
            for attack, arguments in chosen.items()
            if not attack.alone
        }
        try:
            for done in as_completed(begun):
                yield begun[done], done.result()
        finally:
            pool.shutdown(cancel_futures=True)  # stopped by hand: none begins any more


def so_far(attack: Attack) -> Outcome | None:
    """What is known of one that is under way."""
    rounds = Rounds(notes(attack))
    if not len(rounds):
        return None
    printed = f"{rounds.table()}\nunder way: some trials are still to be done"
    passed = not rounds.violations
    found = Outcome.now(attack, passed=passed, minutes=rounds.minutes, printed=printed, day=today())
    return replace(found, commit=rounds.commits[-1])


def notes(attack: Attack) -> Path:
    """Where it notes how far it is, if it does."""
    return FOLDER.parent / ROUNDS / f"{attack.name}.jsonl"


def keep(one: Outcome) -> None:
    """For the report, in the place of what was kept before."""
    KEPT.mkdir(parents=True, exist_ok=True)
    (KEPT / f"{one.name}.json").write_text(json.dumps(asdict(one), indent=1) + "\n")


def kept() -> list[Outcome]:
    """All of them, in the order of the attacks."""
    files = [KEPT / f"{attack.name}.json" for attack in ATTACKS]
    return [Outcome(**json.loads(file.read_text())) for file in files if file.exists()]


def written(outcomes: list[Outcome]) -> str:
    """The report, as Markdown."""
    missing = {attack.name for attack in ATTACKS} - {one.name for one in outcomes}
    table = ["| attack | outcome | minutes | day | commit |", "|---|---|---|---|---|"]
    table += [
        f"| [{one.name}](#{one.name}) | {one.verdict} | {one.minutes:.0f} | {one.day} | `{one.commit}` |"
        for one in outcomes
    ]
    table += [f"| {attack.name} | not carried out | | | |" for attack in ATTACKS if attack.name in missing]
    return "\n".join([PREFACE.read_text(), *table, *(section(one) for one in outcomes)])


def section(one: Outcome) -> str:
    """One attack: what it shows, its command, and what that printed."""
    head = f"\n## {one.name}\n\n{one.shows}.\n\nOn {one.machine}.\n"
    return f"{head}\n```\n$ {one.command}\n{one.printed.strip()}\n```\n"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--so-far", action="store_true")
    options = parser.parse_args()
    chosen = [attack for attack in ATTACKS if not options.only or attack.name in options.only.split(",")]
    if options.so_far:
        for found in filter(None, map(so_far, chosen)):
            keep(found)
        REPORT.write_text(written(kept()))
        return
    arguments = {attack: attack.quick if options.quick else attack.full for attack in chosen}
    failed = []
    for attack, found in all_carried_out({attack: given for attack, given in arguments.items() if given is not None}):
        failed += [] if found.passed else [found.name]
        if not options.quick:
            keep(found)
            notes(attack).unlink(missing_ok=True)  # all of it is done: the next run begins anew
            REPORT.write_text(written(kept()))
    print("did not hold:" if failed else "all held", *failed)
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
