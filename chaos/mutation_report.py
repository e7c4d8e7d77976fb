"""Writes docs/mutation.md: what was planted, what was noticed, and why the rest may live."""

import platform
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from mutation_survivors import Survivor, Tried, explanation

REPORT = Path(__file__).parents[1] / "docs" / "mutation.md"
WANTED = 0.9
_HEAD = """\
# Mutation tests

Written by `make mutation` ({day}, Python {python}). mutmut plants small defects, one at a time: another operator or
number, an argument left out or `None`, a condition turned round, a text changed. A defect is killed when a test fails,
or takes many times as long. At least nine tenths must be; each of the others is told below, with the reason why it may
live.

Only what is inside functions without decorators is changed, so no constant or regular expression of a module. Lines
that write into the log are left as they are. The tests are those of the area that take little time, not the whole suite
(`chaos/mutation_areas.py`; why so: [ADR 0039](adr/0039-mutants-are-planted-in-a-copy.md)).

"""


def write(areas: Mapping[str, Sequence[Tried]]) -> list[str]:
    """Write the report. Returns what is wrong: too few killed, or survivors that nobody has explained."""
    wrong: list[str] = []
    lines = ["| area | module | planted | killed | of them by time | survived |", "|---|---|---|---|---|---|"]
    for area, modules in areas.items():
        killed, planted = sum(one.killed for one in modules), sum(one.planted for one in modules)
        share = killed / planted if planted else 0.0
        endless = sum(one.endless for one in modules)
        lines.append(
            f"| **{area}** | **{share:.1%} killed** | {planted:,} | {killed:,} | {endless:,} | {planted - killed:,} |"
        )
        lines += [
            f"| | `{one.module}` | {one.planted} | {one.killed} | {one.endless} | {len(one.survivors)} |"
            for one in modules
        ]
        if share < WANTED:
            wrong.append(f"{area}: {share:.1%} killed")
        if untried := sum(one.untried for one in modules):
            lines.append(f"| | not tried | {untried} | | | |")
            wrong.append(f"{area}: {untried} not tried")
    survivors = [survivor for modules in areas.values() for one in modules for survivor in one.survivors]
    unexplained = [survivor for survivor in survivors if explanation(survivor) is None]
    wrong += [f"{one.module}.{one.function}: {one.before} -> {one.after}" for one in unexplained]
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    head = _HEAD.format(day=day, python=platform.python_version())
    REPORT.write_text(head + "\n".join([*lines, "", *_told(survivors)]) + "\n")
    return wrong


def _told(survivors: Sequence[Survivor]) -> Iterator[str]:
    yield "## Survivors"
    yield ""
    yield "| in | becomes | why it may live |"
    yield "|---|---|---|"
    for one in survivors:
        after = one.after.replace("|", "\\|").replace("`", "'")
        yield f"| `{one.module}.{one.function}` | `{after}` | {explanation(one) or '**not explained**'} |"
