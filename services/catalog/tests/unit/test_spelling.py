"""Which words are one slip apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_service.services.spelling import MOST_TRIES, corrections, one_slip

WORD = st.text("abc", min_size=1, max_size=6)


def distance(one: str, other: str) -> int:
    """Optimal string alignment, slowly and by the book."""
    table = [
        [row + column if 0 in (row, column) else 0 for column in range(len(other) + 1)] for row in range(len(one) + 1)
    ]
    for row in range(1, len(one) + 1):
        for column in range(1, len(other) + 1):
            same = one[row - 1] == other[column - 1]
            steps = [table[row - 1][column] + 1, table[row][column - 1] + 1, table[row - 1][column - 1] + (not same)]
            if row > 1 and column > 1 and one[row - 2 : row] == other[column - 2 : column][::-1]:
                steps.append(table[row - 2][column - 2] + 1)
            table[row][column] = min(steps)
    return table[-1][-1]


@given(WORD, WORD)
def test_one_slip_is_a_distance_of_one_at_most(typed: str, word: str) -> None:
    assert one_slip(typed, word) == (distance(typed, word) <= 1)


@pytest.mark.parametrize(
    ("text", "misspelt", "meant"),
    [
        ("raeder", [("raeder", ["reader"])], ["reader"]),
        ("Raeder & mail", [("raeder", ["reader"])], ["reader & mail"]),
        ("raeder", [("raeder", ["ra", "eraser"])], []),
        ("xyzzy raeder", [("xyzzy", []), ("raeder", ["reader"])], []),
        ("cart", [("cart", ["care", "tart", "carts"])], ["care", "carts", "tart"]),
        ("anything", [], []),
    ],
)
def test_likely_words_come_first(text: str, misspelt: list[tuple[str, list[str]]], meant: list[str]) -> None:
    assert list(corrections(text, misspelt)) == meant


def test_few_are_tried() -> None:
    near = [f"reade{letter}" for letter in "abcdefghij"]
    assert len(list(corrections("readex", [("readex", near)]))) == MOST_TRIES
