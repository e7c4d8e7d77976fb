"""Every attack on the platform, one after the other, and the report of them: ``make chaos``, or ``make chaos-quick``.

    .venv/bin/python chaos/report.py [--quick] [--only NAME,…]

Writes docs/reliability.md, with what each script printed the last time that it ran in full: the attacks may be carried
out on different days. Ends with 1 when one of them found a fault, and when a planted defect was not found.
"""

# ruff: noqa: T201 - a script prints

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

FOLDER = Path(__file__).parent
REPORT = FOLDER.parent / "docs" / "reliability.md"
KEPT = FOLDER.parent / "var" / "chaos"
"""The outcomes of full runs, a file each."""


@dataclass(frozen=True)
class Attack:
    """One script: what it shows, and its arguments in a full and in a quick run (None: left out there)."""

    name: str
    shows: str
    script: str
    full: str
    quick: str | None = None


ATTACKS = (
    Attack(
        "platform",
        "Every process killed, stores restarted and emptied, links reset and stalled, answers lost, a full disk, under"
        " load through the gateway: nothing that was acknowledged is lost, nothing is done twice",
        "platform_faults.py", "--trials 60", "--trials 1 --apps 60",
    ),
    Attack(
        "check-then-act",
        "The same with a planted defect, two reviewers who both see a task as undecided: it must be found",
        "platform_faults.py", "--planted check-then-act --only kill-rewards --trials 1",
        "--planted check-then-act --only lost-answers --trials 2 --apps 60",
    ),
    Attack(
        "lost-idempotency",
        "The same with a planted defect, answers that are not kept under their keys: it must be found",
        "platform_faults.py", "--planted lost-idempotency --only kill-rewards --trials 1",
        "--planted lost-idempotency --only lost-answers --trials 2 --apps 60",
    ),
    Attack(
        "clocks",
        "The services' clocks jump to and fro under load, the database's does not",
        "platform_faults.py", "--only clock-jump --trials 20",
    ),
    Attack(
        "services",
        "Each service killed under load: 502, 503, 504 as problems while it is away, and none afterwards",
        "platform_services.py", "--rounds 6",
    ),
    Attack("upstreams", "The service behind the gateway killed under load", "gateway_upstreams.py", "--kills 20"),
    Attack("bytes", "Hostile bytes, h11 as the judge of what reached the service", "gateway_fuzz.py", "--seconds 600"),
    Attack(
        "contract",
        "Schemathesis over the whole contract, with data that it allows and data that it does not",
        "contract_fuzz.py", "--examples 60",
    ),
    Attack("isin", "The fault matrix of the daily lists: no day is lost, twice or half", "isin_runs.py", "--trials 5"),
    Attack("isin-planted", "The same with planted defects: each must be found", "isin_runs.py", "--planted --trials 3"),
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What an attack printed, and whether it found something."""

    name: str
    shows: str
    command: str
    day: str
    passed: bool
    minutes: float
    printed: str

    @property
    def verdict(self) -> str:
        """For the table."""
        return "held" if self.passed else "**did not hold**"


def carried_out(attack: Attack, arguments: str) -> Outcome:
    """Run it; what it prints is shown at once, too."""
    command = f"chaos/{attack.script} {arguments}"
    print(f"== {attack.name}: {command}", flush=True)
    began, lines = time.monotonic(), []
    with subprocess.Popen(  # noqa: S603 - our own scripts
        [sys.executable, FOLDER / attack.script, *arguments.split()],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    minutes, day = (time.monotonic() - began) / 60, f"{datetime.now(UTC):%Y-%m-%d}"
    return Outcome(attack.name, attack.shows, command, day, process.returncode == 0, minutes, "".join(lines))


def keep(outcome: Outcome) -> None:
    """For the report, in the place of what was kept before."""
    KEPT.mkdir(parents=True, exist_ok=True)
    (KEPT / f"{outcome.name}.json").write_text(json.dumps(asdict(outcome)))


def kept() -> list[Outcome]:
    """All of them, in the order of the attacks."""
    files = [KEPT / f"{attack.name}.json" for attack in ATTACKS]
    return [Outcome(**json.loads(file.read_text())) for file in files if file.exists()]


def written(outcomes: list[Outcome]) -> str:
    """The report, as Markdown."""
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return "\n".join(
        [
            "# Reliability",
            "",
            f'Written by `make chaos`: {machine}. "At most p %" is the bound of 95 %',
            "confidence after n trials without a violation, 3/n. Nothing here promises more than that.",
            "",
            "| attack | outcome | minutes | day |",
            "|---|---|---|---|",
            *(f"| [{one.name}](#{one.name}) | {one.verdict} | {one.minutes:.0f} | {one.day} |" for one in outcomes),
            *(section(one) for one in outcomes),
        ]
    )


def section(outcome: Outcome) -> str:
    """One attack: what it shows, its command, and what that printed."""
    head = f"\n## {outcome.name}\n\n{outcome.shows}.\n"
    return f"{head}\n```\n$ {outcome.command}\n{outcome.printed.strip()}\n```\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    chosen = [attack for attack in ATTACKS if not options.only or attack.name in options.only.split(",")]
    planned = [(attack, attack.quick if options.quick else attack.full) for attack in chosen]
    failed = []
    for attack, arguments in planned:
        if arguments is None:
            continue
        outcome = carried_out(attack, arguments)
        failed += [] if outcome.passed else [outcome.name]
        if not options.quick:
            keep(outcome)
            REPORT.write_text(written(kept()))
    print("did not hold:" if failed else "all held", *failed)
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
