"""What each gate says, and from how many rows on."""

from dataclasses import replace

import pytest

from isin_worker.feeds.gate_limits import GateLimits
from isin_worker.pipeline.batches import Delivery, Statement
from isin_worker.pipeline.gates import Hold, Measured, holds

DELIVERY = Delivery(files=(), url="http://lists.example/", bytes=1, sha256="0")
LIMITS = GateLimits(shrunk=0.1, removed=0.05, bad=0.01, few=5)
FINE = Measured(read=1000, bad=0, valid=1000, removed=0, stood=1000)


def test_a_list_like_the_one_before_passes() -> None:
    assert holds(DELIVERY, FINE, LIMITS) == []


def test_a_first_list_is_compared_with_nothing() -> None:
    for nothing in (None, 0):
        assert holds(DELIVERY, replace(FINE, valid=1, removed=900, stood=nothing), LIMITS) == []


def test_a_list_that_says_its_length_must_have_it() -> None:
    said = [Statement(1000, 1000), Statement(None, 7), Statement(12, 10)]
    assert holds(DELIVERY, replace(FINE, statements=said), LIMITS) == [
        Hold("stated-count", "the list does not say how many rows it has: its end may be missing", 7, None),
        Hold("stated-count", "the list says that it has 12 rows, and it has 10", 10, 12),
    ]


def test_what_was_not_downloaded_whole_is_named() -> None:
    delivery = replace(DELIVERY, checksum_differs=["a.zip", "b.zip"], parts_missing=["c.zip", "d.zip"])
    assert holds(delivery, FINE, LIMITS) == [
        Hold("checksum", "another checksum than is listed: a.zip, b.zip"),
        Hold("parts-missing", "missing: c.zip, d.zip"),
    ]


@pytest.mark.parametrize(
    ("changes", "held"),
    [
        ({"bad": 10}, []),  # as many as may be
        ({"bad": 11}, [Hold("bad-rows", "11 of 1000 rows are bad", 0.011, 0.01)]),
        ({"bad": 5, "read": 5}, []),  # all of them, and yet only a few
        ({"bad": 6, "read": 6}, [Hold("bad-rows", "6 of 6 rows are bad", 1.0, 0.01)]),
        ({"valid": 900}, []),
        ({"valid": 899}, [Hold("shrunk", "899 rows instead of 1000", 0.101, 0.1)]),
        ({"valid": 2, "stood": 7}, []),
        ({"valid": 1, "stood": 7}, [Hold("shrunk", "1 rows instead of 7", 0.8571, 0.1)]),
        ({"removed": 50}, []),
        ({"removed": 51}, [Hold("removed", "51 of 1000 rows are gone", 0.051, 0.05)]),
        ({"removed": 6, "stood": 6, "valid": 6}, [Hold("removed", "6 of 6 rows are gone", 1.0, 0.05)]),
    ],
)
def test_what_is_more_than_its_share_and_more_than_a_few_rows_holds(changes: dict[str, int], held: list[Hold]) -> None:
    assert holds(DELIVERY, replace(FINE, **changes), LIMITS) == held  # type: ignore[arg-type]  # all of them are numbers


def test_a_hold_is_kept_as_it_is() -> None:
    assert Hold("shrunk", "fewer", 0.5, 0.1).as_record() == {
        "gate": "shrunk", "detail": "fewer", "value": 0.5, "limit": 0.1,
    }  # fmt: skip
