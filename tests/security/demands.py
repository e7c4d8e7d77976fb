"""The table of docs/security.md: its demands, and the tests that hold them. ``make security`` shows the results."""
# ruff: noqa: T201 - a script prints

import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "security.md"
_LINE = re.compile(r"^\| (?P<text>[^|]+) \| (?P<sources>[^|]+) \| (?P<tests>`[^|]+) \|$", re.MULTILINE)
_TEST = re.compile(r"`([\w./-]+\.py::\w+)`")


class Demand(NamedTuple):
    """One line of the table."""

    text: str
    sources: str
    tests: list[str]  # path::name


def demands() -> list[Demand]:
    """All of them, in their order."""
    lines = _LINE.finditer(DOCUMENT.read_text())
    return [Demand(line["text"], line["sources"], _TEST.findall(line["tests"])) for line in lines]


class Outcomes:
    """Collects what came of each test, all its parameters together."""

    def __init__(self) -> None:
        self.of: dict[str, set[str]] = defaultdict(set)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A part of a test is done: what it was set up with, itself, or what it leaves."""
        if report.when == "call" or report.outcome != "passed":
            self.of[report.nodeid.partition("[")[0]].add(report.outcome)

    def result(self, demand: Demand) -> str:
        """``held`` when each of its tests passed; else the first that did not, and what came of it."""
        for test in demand.tests:
            if self.of[test] != {"passed"}:
                return f"NOT HELD: {test} {' and '.join(sorted(self.of[test])) or 'did not run'}"
        return "held"


def main(options: list[str]) -> int:
    """Run the tests of the table and print each line with its result."""
    table, outcomes = demands(), Outcomes()
    tests = sorted({test for demand in table for test in demand.tests})
    pytest.main([*tests, *options], plugins=[outcomes])
    results = [outcomes.result(demand) for demand in table]
    for demand, result in zip(table, results, strict=True):
        print(f"{result:4}  {demand.text}  [{demand.sources}]")
    held = results.count("held")
    print(f"{held} of {len(table)} demands are held, by {len(tests)} tests")
    return 0 if held == len(table) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
