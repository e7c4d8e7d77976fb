"""The geometry of the charts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.charts import ABOVE, BELOW, Row, columns
from web.views import short_number

VALUES = st.integers(-(2**53), 2**53)


@given(st.lists(st.tuples(VALUES, VALUES), max_size=60))
def test_every_column_stays_inside_and_begins_at_zero(values: list[tuple[int, int]]) -> None:
    chart = columns(["a", "b"], [Row(str(n), pair) for n, pair in enumerate(values)])
    zero = next(tick.at for tick in chart.ticks if tick.value == 0)
    for column in chart.columns:
        assert chart.left - 0.1 <= column.x <= column.x + column.width <= chart.width + 0.1
        assert column.y >= ABOVE - 1.1
        assert column.y + column.height <= chart.height - BELOW + 1.1
        end = column.y if column.value < 0 else column.y + column.height
        assert end == pytest.approx(zero, abs=1.1)


@given(st.lists(VALUES, min_size=1, max_size=60))
def test_the_ticks_are_few_and_cover_every_value(values: list[int]) -> None:
    chart = columns(["a"], [Row(str(n), (value,)) for n, value in enumerate(values)])
    ticks = [tick.value for tick in chart.ticks]
    assert 2 <= len(ticks) <= 8
    assert ticks[0] <= min(values)
    assert max(values) <= ticks[-1]


def test_many_names_do_not_overlap() -> None:
    chart = columns(["a"], [Row(f"day {n}", (n,)) for n in range(90)])
    assert len(chart.marks) <= 12


def test_numbers_at_the_side_are_short() -> None:
    numbers = [0, 999, 1000, 1500, 2_500_000, -1500]
    assert [short_number(n) for n in numbers] == ["0", "999", "1k", "1.5k", "2.5M", "\N{MINUS SIGN}1.5k"]
