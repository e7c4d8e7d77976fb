"""The table for many ISINs says what the extractor says of each."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from extractor import is_valid_isin, isin_check_digit
from isin_worker import check_digits
from isin_worker.check_digits import AT_ONCE, valid
from isin_worker.testing import make_isin

ISINS = st.from_regex(r"[A-Z]{2}[A-Z0-9]{9}", fullmatch=True).map(lambda body: f"{body}{isin_check_digit(body)}")
NEARLY = st.from_regex(r"[A-Z0-9]{12}", fullmatch=True)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    text = draw(ISINS)
    place = draw(st.integers(0, 11))
    return text[:place] + draw(st.characters()) + text[place + 1 :]


@given(st.lists(st.one_of(ISINS, NEARLY, damaged(), st.text(max_size=14))))
@example(
    ["US0378331005", "US0378331004", "us0378331005", "US0378331005 ", "US037833100\u0665", "", "\0" * 12, "0" * 12]
)
def test_each_verdict_is_that_of_one_text(texts: list[str]) -> None:
    assert valid(texts).tolist() == [is_valid_isin(text) for text in texts]


@given(st.lists(st.binary(min_size=12, max_size=12)))
def test_any_twelve_bytes_have_the_verdict_of_their_text(values: list[bytes]) -> None:
    verdicts = valid(np.array(values, dtype="S12"))
    assert verdicts.tolist() == [is_valid_isin(value.decode("latin-1")) for value in values]


def test_more_than_are_looked_up_together_keep_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    together: list[int] = []
    look_up = check_digits._verdicts
    monkeypatch.setattr(check_digits, "_verdicts", lambda pairs: together.append(len(pairs)) or look_up(pairs))
    texts = [make_isin(number) for number in range(AT_ONCE + 2)]
    wrong = {0, AT_ONCE - 1, AT_ONCE, AT_ONCE + 1}
    for place in wrong:
        texts[place] = texts[place][:-1] + str((int(texts[place][-1]) + 5) % 10)
    assert set(np.flatnonzero(~valid(texts)).tolist()) == wrong
    assert together == [AT_ONCE, 2]


def test_none_of_none() -> None:
    assert valid([]).tolist() == []
