"""Hostile bytes into the gateway's reader of requests, h11 as the judge. ``chaos/fuzz.py`` runs this.

As ``chaos/gateway_fuzz.py``, with inputs that are evolved by what they reach instead of drawn.
"""

import asyncio
import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[1] / "gateway" / "tests"))
with atheris.instrument_imports(include=["gateway"]):
    from judge import assert_nothing_was_smuggled, pieces_of, through_the_gateway

RUNNER = asyncio.Runner()


def one_input(data: bytes) -> None:
    """The first two bytes say where the rest is cut on its way."""
    cuts, request = list(data[:2]), data[2:]
    judge, _ = RUNNER.run(through_the_gateway(pieces_of(request, cuts)))
    assert_nothing_was_smuggled(request, judge)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
