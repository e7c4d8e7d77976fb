"""Twice the text, twice the time: also on texts made to send an expression astray.

Each trial compares the same amount of text, once in pieces and once in one, in seconds of processor time, so that
neither a fixed cost nor a busy machine counts. Were the time quadratic, the one text would take 16 times as long.
"""

import time
from collections.abc import Callable

import pytest

from extractor import PATTERNS, extract, find

PIECES = 16
ASTRAY = {
    "order-numbers": ['"id"::::', '"id"', '"', '"id" ', '"id":' + " " * 200, '"code":' + "1" * 4301, "1"],
    "order-ids": ['"id"::::', '"id"\t\t', '"id":' + " " * 201, '"id":' + "1" * 4300],
    "after-colon": [":", ":1", "1", ":" + "1" * 4301, "1:"],
    "isin": ["A", "AB", "1", "A ", "AAAAAAAAAAA1", "AAAAAAAAAAAA ", "US037833100", "_"],
    "android-package": [
        "a",
        "a.",
        "A.A.",
        "aaaa.aaaa",
        "a.b:",
        "a.b ",
        "a" * 223 + ":",
        "https://play.google.com/store/apps/details?&",
        "https://play.google.com/store/apps/details?id=",
        "market://details?&&&&",
        "&id=",
    ],
}


def least_seconds(work: Callable[[], object], times: int = 5) -> float:
    """The least of several: what the work takes when nothing disturbs it."""
    seconds = []
    for _ in range(times):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return min(seconds)


@pytest.mark.parametrize(("name", "unit"), [(name, unit) for name, units in ASTRAY.items() for unit in units])
def test_time_grows_with_the_length_of_the_text(name: str, unit: str) -> None:
    piece = unit * (12_000 // len(unit) + 1)
    whole = piece * PIECES

    in_pieces = least_seconds(lambda: [extract(name, piece, str) for _ in range(PIECES)])
    in_one = least_seconds(lambda: extract(name, whole, str))

    assert in_one < 4 * in_pieces


@pytest.mark.parametrize("name", PATTERNS)
def test_single_characters_cost_no_more_than_their_number(name: str) -> None:
    piece = ASTRAY[name][0] * 200
    whole = piece * PIECES

    in_pieces = least_seconds(lambda: [list(find(name, iter(piece))) for _ in range(PIECES)])
    in_one = least_seconds(lambda: list(find(name, iter(whole))))

    assert in_one < 4 * in_pieces
