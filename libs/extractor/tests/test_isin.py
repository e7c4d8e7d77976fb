"""The check digit of an ISIN."""

from string import ascii_uppercase, digits

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor import IsinError, is_valid_isin, isin_check_digit

BODIES = st.from_regex(r"[A-Z]{2}[A-Z0-9]{9}", fullmatch=True)


@pytest.mark.parametrize(
    "isin",
    [
        "US0378331005",
        "US5949181045",
        "GB0002634946",
        "AU0000XVGZA3",
        "INE009A01021",
        "DE0007164600",
        "CH0038863350",
        "FR0000120271",
        "JP3633400001",
        "EU0009658145",
        "XS0356705219",
        "EZ4G5P8L56T7",
        "EZ0JHV40BZ40",
    ],
)
def test_published_isins_are_valid(isin: str) -> None:
    assert is_valid_isin(isin)
    assert isin_check_digit(isin[:11]) == int(isin[11])


def by_the_book(body: str) -> int:
    """Letters written out as two digits, then Luhn from the right, step by step."""
    row = [int(digit) for character in body for digit in str(int(character, 36))]
    total = 0
    for place, digit in enumerate(reversed(row)):
        total += digit if place % 2 else sum(divmod(digit * 2, 10))
    return (10 - total % 10) % 10


@given(body=BODIES)
def test_the_table_agrees_with_the_algorithm_of_the_standard(body: str) -> None:
    assert isin_check_digit(body) == by_the_book(body)


@given(body=BODIES)
def test_exactly_one_check_digit_is_valid(body: str) -> None:
    assert [digit for digit in digits if is_valid_isin(body + digit)] == [str(isin_check_digit(body))]


@given(body=BODIES, place=st.integers(0, 10), other=st.sampled_from(digits))
def test_one_wrong_digit_is_always_noticed(body: str, place: int, other: str) -> None:
    wrong = body[:place] + other + body[place + 1 :]
    if body[place] in digits and wrong != body:
        assert isin_check_digit(wrong) != isin_check_digit(body)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "US037833100",
        "US03783310055",
        "us0378331005",
        "0S0378331005",
        "US037833100A",
        "US0378331005\n",
        "US\N{FULLWIDTH DIGIT ZERO}378331005",
        "US037833100\N{FULLWIDTH DIGIT FIVE}",
    ],
)
def test_another_shape_is_not_valid(text: str) -> None:
    assert not is_valid_isin(text)


@pytest.mark.parametrize("body", ["", "US0378331005", "US037833100\n", "us037833100", "US-37833100", "ÜS037833100"])
def test_no_check_digit_for_another_shape(body: str) -> None:
    told = "not the first 11 characters of an ISIN: two letters, nine letters or digits, upper case"
    with pytest.raises(IsinError, match=f"^{told}$"):
        isin_check_digit(body)


def test_any_two_letters_are_a_prefix() -> None:
    assert all(
        is_valid_isin(body + str(isin_check_digit(body))) for body in (f"{a}Z000000000" for a in ascii_uppercase)
    )
