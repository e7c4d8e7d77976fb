"""The order numbers of a large file in six ways: ``.venv/bin/python bench/patterns.py [--megabytes 100] [--rounds 5]``.

``re`` and ``re2`` read the whole text and call ``findall``; ``stream`` is the extractor; ``json`` and ``orjson`` parse
each line and walk to the keys; ``ripgrep`` prints the numbers into a pipe. The peers have an environment of their own.
All must find equally many. They take turns. Memory is the most that the process ever had (not known of ripgrep).
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from environments import environment
from extraction import write_orders
from figures import tell
from peers.pattern_sides import EXPRESSION, SIDES

PEERS = Path(__file__).parent / "peers"
RIPGREP = ("--only-matching", "--no-line-number", "--color=never", "--replace", "$1", EXPRESSION)


class Trial(NamedTuple):
    """How many were found, in how many seconds, with how much memory in MB."""

    found: int
    seconds: float
    memory: float = 0


def trial(side: str, path: Path) -> Trial:
    """One way, once."""
    programs = environment(PEERS / "patterns.txt")
    python = sys.executable if side == "stream" else programs / "python"
    command = [python, PEERS / "pattern_sides.py", side, path] if side in SIDES else [programs / "rg", *RIPGREP, path]
    began = time.perf_counter()
    output = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout  # noqa: S603 - our own programs
    if side not in SIDES:
        return Trial(output.count(b"\n"), time.perf_counter() - began)
    found, seconds, peak = output.split()
    return Trial(int(found), float(seconds), int(peak) * 1.024 / 1000)


def main() -> None:
    """Compare, then tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    ways = (*SIDES, "ripgrep")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "orders.json"
        write_orders(path, asked.megabytes * 1_000_000, random.Random(1))  # noqa: S311 - no secret
        size = path.stat().st_size / 1_000_000
        rounds = [{side: trial(side, path) for side in ways} for _ in range(asked.rounds)]
    if len({taken.found for one in rounds for taken in one.values()}) != 1:
        raise AssertionError({side: taken.found for side, taken in rounds[0].items()})
    for side in ways:
        tell("patterns", f"{side}: speed", [size / one[side].seconds for one in rounds], "MB/s")
        if side in SIDES:
            tell("patterns", f"{side}: memory", [one[side].memory for one in rounds], "MB", "lower")
        if side != "re":
            tell("patterns", f"{side} against re", [one["re"].seconds / one[side].seconds for one in rounds], "times")


if __name__ == "__main__":
    main()
