"""Hostile bytes into the gateway's parser for as long as one likes; h11 is the judge of what reached the service.

    .venv/bin/python chaos/gateway_fuzz.py [--seconds 600]

Ends with the first input that crashes the gateway, or reaches the service as something else than h11 reads in it.
"""

import argparse
import asyncio
import sys
import time
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

sys.path.insert(0, str(Path(__file__).parents[1] / "gateway" / "tests"))
from judge import assert_nothing_was_smuggled, cuts, inputs, pieces_of, through_the_gateway

ROUND = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=600)
    options = parser.parse_args()
    counts = {"inputs": 0, "requests that reached the service": 0, "inputs that were refused": 0}
    until, start = time.monotonic() + options.seconds, time.time_ns()
    while time.monotonic() < until:
        run_round(start + counts["inputs"], counts)
    for name, count in counts.items():
        print(f"{name:36} {count:9,}")  # noqa: T201 - a script prints


def run_round(number: int, counts: dict[str, int]) -> None:
    @seed(number)
    @settings(
        max_examples=ROUND, deadline=None, database=None, phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(data=inputs, places=cuts)
    def nothing_is_smuggled(data: bytes, places: list[int]) -> None:
        judge, answers = asyncio.run(through_the_gateway(pieces_of(data, places)))
        assert_nothing_was_smuggled(data, judge)
        counts["inputs"] += 1
        counts["requests that reached the service"] += len(judge.got)
        counts["inputs that were refused"] += b"HTTP/1.1 4" in answers

    nothing_is_smuggled()


if __name__ == "__main__":
    main()
