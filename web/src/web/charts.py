"""Charts as plain geometry, which ``charts.html`` draws as SVG: no script, and the same on every screen."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

LEFT, BELOW, ABOVE = 52.0, 24.0, 8.0  # room for the numbers at the side, the names below, the topmost number
STEPS = (1, 2, 2.5, 5, 10)
LABELS_AT_MOST = 12


@dataclass(frozen=True)
class Row:
    """What belongs to one name below the chart: a value for each series."""

    label: str
    values: Sequence[int]


@dataclass(frozen=True)
class Tick:
    """A line across, and its number."""

    value: int
    at: float


@dataclass(frozen=True)
class Mark:
    """A name below the chart."""

    words: str
    at: float


@dataclass(frozen=True)
class Column:
    """One column. ``series`` counts from 1."""

    label: str
    value: int
    series: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Chart:
    """Everything in the units of the viewBox."""

    width: int
    height: int
    left: float
    series: Sequence[str]
    rows: Sequence[Row]
    ticks: Sequence[Tick]
    marks: Sequence[Mark]
    columns: Sequence[Column]


def columns(series: Sequence[str], rows: Sequence[Row], *, width: int = 720, height: int = 220) -> Chart:
    """Columns side by side, one for each series, for each row. Values below 0 hang from the zero line."""
    values = [value for row in rows for value in row.values]
    step = _step(max([*values, 0]) - min([*values, 0]))
    top, bottom = math.ceil(max([*values, 1]) / step), math.floor(min([*values, 0]) / step)
    unit = (height - BELOW - ABOVE) / ((top - bottom) * step)

    def y_of(value: float) -> float:
        return round(ABOVE + (top * step - value) * unit, 1)

    slot = (width - LEFT) / max(len(rows), 1)
    thickness = min(slot * 0.7 / len(series), 48.0)
    found = []
    for index, row in enumerate(rows):
        start = LEFT + slot * (index + 0.5) - thickness * len(row.values) / 2
        for place, value in enumerate(row.values):
            label = f"{row.label}, {series[place]}" if len(series) > 1 else row.label
            x = round(start + place * thickness, 1)
            found.append(
                Column(label, value, place + 1, x, y_of(max(value, 0)), round(thickness - 1, 1), _length(value, unit))
            )
    every = math.ceil(len(rows) / LABELS_AT_MOST) or 1
    marks = [Mark(row.label, round(LEFT + slot * (n + 0.5), 1)) for n, row in enumerate(rows) if n % every == 0]
    ticks = [Tick(n * step, y_of(n * step)) for n in range(bottom, top + 1)]
    return Chart(width, height, LEFT, series, rows, ticks, marks, found)


def _length(value: int, unit: float) -> float:
    return round(max(abs(value) * unit, 1.0), 1) if value else 0.0


def _step(span: int) -> int:
    """A round number that divides ``span`` into about four."""
    rough = max(span, 1) / 4
    power = 10 ** math.floor(math.log10(rough)) if rough >= 1 else 1
    return int(next(factor * power for factor in STEPS if factor * power >= rough and (factor * power) % 1 == 0))
