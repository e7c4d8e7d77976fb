"""The extractor against `re.findall` on the whole text: time and memory, each trial in a process of its own.

    .venv/bin/python bench/extraction.py [--megabytes 167] [--rounds 7] [--pattern NAME]

Trials take turns, so that a change of the machine's mood meets all of them. Both sides read the same file and give
strings. `whole` reads it all and calls `findall` with the very expression of the pattern; `plain` does so with the
expression that one would write first. A ratio says how many times as fast the stream is, by the clock and in processor
time, which a busy machine disturbs less: the median of the rounds. Peaks of memory come from /proc: this needs Linux.
"""

import argparse
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import NamedTuple

from extractor import PATTERNS, stream
from extractor.isin import isin_check_digit

PLAIN = {
    "order-numbers": r'"(?:id|code)"\s*:\s*(\d+)',
    "order-ids": r'"id"\s*:\s*(\d+)',
    "after-colon": r"(?<=:)\d+",
    "isin": r"\b[A-Z]{2}[A-Z0-9]{9}[0-9]\b",
    "android-package": r"(?:details\?(?:\S*&)?id=|(?<![\w./@=&?-]))([A-Za-z]\w*(?:\.[A-Za-z]\w*)+)(?![\w/@-])",
}
SIDES = ("stream", "whole", "plain")


def write_orders(path: Path, size: int, rng: random.Random) -> None:
    """Lines in the layout of an order service's answer: ids of one to six digits, errors with a code and a message."""
    with path.open("w", encoding="ascii") as file:
        while file.tell() < size:
            ids = ",".join(f'{{"id":{rng.randrange(10 ** rng.randint(1, 6))}}}' for _ in range(rng.randint(5, 40)))
            message = f"[PHP Warning #{rng.randint(1, 9)}] count(): Parameter must be an array ({rng.randint(1, 999)})"
            file.write(f'{{"orders":[{ids}],"errors":[{{"code":{rng.randint(1, 9)},"message":"{message}"}}]}}\n')


def write_prose(path: Path, size: int, rng: random.Random) -> None:
    """Words, with an ISIN, a package name or a Play Store link among about ten of them."""
    words = [
        "price",
        "of",
        "the",
        "share",
        "Bond",
        "EUR",
        "at",
        "12:30",
        "fell.",
        "Über",
        "rose,",
        "(see",
        "note)",
        "2031",
    ]
    links = ("{}", "https://play.google.com/store/apps/details?id={}&hl=en", "market://details?id={}")
    with path.open("w", encoding="utf-8") as file:
        while file.tell() < size:
            line = rng.choices(words, k=10)
            body = f"{rng.choice(('US', 'DE', 'XS'))}{rng.randrange(10**9):09}"
            line[3] = f"{body}{isin_check_digit(body)}"
            line[7] = rng.choice(links).format(f"com.maker{rng.randrange(999)}.app_{rng.randrange(999)}")
            file.write(" ".join(line) + "\n")


class Trial(NamedTuple):
    """Seconds by the clock and of the processor, the peak of memory in KiB, and how many values were found."""

    seconds: float
    processor: float
    peak: int
    values: int


def trial(side: str, name: str, path: Path) -> None:
    """One measurement, printed for `measure` to read."""
    start, started = time.perf_counter(), time.process_time()
    if side == "stream":
        deque(stream(name, path, str), maxlen=0)
        taken = time.perf_counter() - start, time.process_time() - started
        values = sum(1 for _ in stream(name, path, str))  # counting takes time that `len` of a list does not
    else:
        expression = PATTERNS[name].compiled if side == "whole" else re.compile(PLAIN[name])
        values = len(expression.findall(path.read_text("utf-8")))
        taken = time.perf_counter() - start, time.process_time() - started
    status = Path("/proc/self/status").read_text("ascii")
    peak = status.partition("VmHWM:")[2].split()[0]  # not ru_maxrss: that begins with the peak of the parent
    sys.stdout.write(f"{taken[0]} {taken[1]} {peak} {values}\n")


def measure(side: str, name: str, path: Path) -> Trial:
    command = [sys.executable, __file__, "--trial", side, "--pattern", name, "--file", str(path)]
    result = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 # this very file
    seconds, processor, peak, values = result.stdout.split()
    return Trial(float(seconds), float(processor), int(peak), int(values))


def compare(name: str, path: Path, rounds: int) -> str:
    """One line of the table."""
    measure("stream", name, path)  # the file is in the page cache now
    taken: dict[str, list[Trial]] = {side: [] for side in SIDES}
    for _ in range(rounds):
        for side in SIDES:
            taken[side].append(measure(side, name, path))
    pairs = [list(zip(taken["stream"], taken[side], strict=True)) for side in SIDES[1:]]
    numbers = [statistics.median(one.seconds for one in taken[side]) for side in SIDES]
    numbers += [statistics.median(other.seconds / one.seconds for one, other in pair) for pair in pairs]
    numbers += [statistics.median(other.processor / one.processor for one, other in pair) for pair in pairs]
    numbers += [max(one.peak for one in taken[side]) * 1.024 / 1000 for side in SIDES[:2]]
    values = taken["stream"][0].values
    same = "" if values == taken["whole"][0].values else "  COUNTS DIFFER"
    return f"{name:16} {values:>10,}" + "".join(f"{number:10.2f}" for number in numbers) + same


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=167)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--pattern", choices=list(PATTERNS))
    parser.add_argument("--trial", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.trial:
        trial(options.trial, options.pattern, options.file)
        return
    heads = ["stream s", "whole s", "plain s", "x whole", "x plain", "cpu whole", "cpu plain", "MB", "MB whole"]
    print(f"{'pattern':16} {'values':>10}" + "".join(f"{head:>10}" for head in heads))  # noqa: T201 # a bench prints
    with tempfile.TemporaryDirectory() as folder:
        orders, prose = Path(folder) / "orders.json", Path(folder) / "prose.txt"
        write_orders(orders, options.megabytes * 1_000_000, random.Random(1))  # noqa: S311 # not a secret
        write_prose(prose, options.megabytes * 1_000_000, random.Random(2))  # noqa: S311 # as above
        for name in [options.pattern] if options.pattern else PATTERNS:
            path = prose if name in {"isin", "android-package"} else orders
            print(compare(name, path, options.rounds), flush=True)  # noqa: T201 # as above


if __name__ == "__main__":
    main()
