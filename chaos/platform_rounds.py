"""What was tried so far, a line in a file for each round: a run that is stopped loses one round, and goes on there."""

import json
import os
import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Round:
    """One fault, some times in a row under load, and what was then not as people had been told."""

    fault: str
    trials: int
    recoveries: list[float]
    """Seconds until all was ready again; of each trial after which it was."""
    violations: list[str]
    day: str
    commit: str
    load: float
    """Of the machine: processes that wanted a processor, over the last minute."""
    seconds: float = 0
    """That it took."""

    @classmethod
    def now(
        cls, fault: str, trials: int, recoveries: list[float], violations: list[str], seconds: float = 0
    ) -> "Round":
        """That has just been done."""
        day, load = f"{datetime.now(UTC):%Y-%m-%d}", round(os.getloadavg()[0], 1)
        return cls(fault, trials, recoveries, violations, day, commit(), load, round(seconds, 1))


class Rounds:
    """All of them. Without a file they are forgotten at the end."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        lines = file.read_text().splitlines(keepends=True) if file and file.exists() else []
        if file and lines and not lines[-1].endswith("\n"):  # it was stopped in the middle of it
            lines.pop()
            file.write_text("".join(lines))
        self._rounds = [Round(**json.loads(line)) for line in lines]

    def add(self, one: Round) -> None:
        """Keep it."""
        self._rounds.append(one)
        if self._file:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a") as file:
                file.write(json.dumps(asdict(one)) + "\n")

    def __len__(self) -> int:
        return len(self._rounds)

    def trials(self, fault: str) -> int:
        """How many of this fault were done."""
        return sum(one.trials for one in self._rounds if one.fault == fault)

    @property
    def minutes(self) -> float:
        """That they took together."""
        return sum(one.seconds for one in self._rounds) / 60

    @property
    def violations(self) -> list[str]:
        """Of all."""
        return [violation for one in self._rounds for violation in one.violations]

    @property
    def commits(self) -> list[str]:
        """Of the product, each once, in the order in which they were tried."""
        return list(dict.fromkeys(one.commit for one in self._rounds))

    def table(self) -> str:
        """A line for each fault, and where and when they were done.

        "At most" is the share of such faults that may do harm, at 95 % confidence: 3/n after n trials without harm.
        """
        if not self._rounds:
            return "no trials"
        names = dict.fromkeys(one.fault for one in self._rounds)
        days = dict.fromkeys([min(one.day for one in self._rounds), max(one.day for one in self._rounds)])
        loads = sorted(one.load for one in self._rounds)
        trials, harm = sum(one.trials for one in self._rounds), len(self.violations)
        return "\n".join(
            [
                f"{'fault':20} {'trials':>6} {'violations':>10} {'at most':>8}   ready again: median, longest",
                *(self._line(name) for name in names),
                f"{trials:,} trials, {harm} violations; {' to '.join(days)}, the product at {', '.join(self.commits)}",
                f"load of the machine meanwhile: {median(loads):.1f} ({loads[0]:.1f} to {loads[-1]:.1f})",
            ]
        )

    def _line(self, fault: str) -> str:
        rounds = [one for one in self._rounds if one.fault == fault]
        trials, harm = sum(one.trials for one in rounds), sum(len(one.violations) for one in rounds)
        recoveries = [seconds for one in rounds for seconds in one.recoveries]
        bound = "" if harm else f"{min(100, 300 / trials):.1f} %"
        ready = f"{median(recoveries):16.1f} s {max(recoveries):6.1f} s" if recoveries else ""
        return f"{fault:20} {trials:6} {harm:10} {bound:>8} {ready}".rstrip()


@cache
def commit() -> str:
    """The last one that changed the product, as it was when this process began; with a + when more is changed."""
    product = [f":/{folder}" for folder in ("libs", "services", "gateway", "web", "deploy/local")]
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", *product)
    return (_git("log", "-1", "--format=%h", "--", *product) or "unknown") + ("+" if changed else "")


def _git(*command: str) -> str:
    told = subprocess.run(  # noqa: S603 - our own words
        ["git", *command],  # noqa: S607 - where it is depends on the system
        cwd=Path(__file__).parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return told.stdout.strip()
