import pytest
from hypothesis import given
from hypothesis import strategies as st

from isin_worker.isin import Fault, verdict
from isin_worker.services.isins import judge
from isin_worker.testing import make_isin


def test_a_valid_isin_has_no_fault() -> None:
    assert verdict("US0378331005") is None


@pytest.mark.parametrize(
    ("text", "reason", "expected"),
    [
        ("US0378331004", "check-digit", 5),
        ("US037833100", "length", 5),
        ("US03783310055", "length", 5),
        ("us0378331005", "characters", None),
        ("US037833100X", "characters", 5),
        ("", "length", None),
    ],
)
def test_a_fault_names_what_is_wrong_and_the_check_digit_where_there_can_be_one(
    text: str, reason: str, expected: int | None
) -> None:
    fault = verdict(text)
    assert isinstance(fault, Fault)
    assert (fault.reason, fault.expected_check_digit) == (reason, expected)


@given(st.integers(0, 10**8 - 1), st.integers(1, 9))
def test_the_expected_check_digit_makes_an_isin_of_a_wrong_one(number: int, off: int) -> None:
    right = make_isin(number)
    wrong = right[:-1] + str((int(right[-1]) + off) % 10)
    (judged,) = judge([wrong])
    assert not judged.valid
    assert wrong[:-1] + str(judged.expected_check_digit) == right
