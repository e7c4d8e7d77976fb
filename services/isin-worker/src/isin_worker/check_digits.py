"""The check digits of many ISINs at once (ISO 6166), by table.

The rule (Luhn's) goes over an ISIN from its end and doubles every second digit; a letter counts as two digits. So what
two characters add to the sum, and whether the digit before them is doubled, depends on these two and on whether the
doubling has come to the last of them: a table by character pair says both, and six look-ups decide an ISIN.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LENGTH = 12
AT_ONCE = 16_384
"""ISINs that are looked up together, so that what is between two look-ups stays in the processor's cache."""

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGITS = "0123456789"
_REFUSED = 100
"""Added for a pair that can't stand at its place; six pairs add 54 at most without it."""
_PAIRS = 1 << 16


def valid(values: NDArray[np.bytes_] | Sequence[str]) -> NDArray[np.bool_]:
    """Which of the values are ISINs: two capital letters, nine capital letters or digits, the right check digit.

    An array must be of the type ``S12``; it is not copied. Texts may be of any kind and length.
    """
    if not isinstance(values, np.ndarray):
        values = _as_bytes(values)
    pairs = np.ascontiguousarray(values).view("<u2").reshape(len(values), LENGTH // 2)
    verdicts = np.empty(len(pairs), dtype=np.bool_)
    for start in range(0, len(pairs), AT_ONCE):
        verdicts[start : start + AT_ONCE] = _verdicts(pairs[start : start + AT_ONCE])
    return verdicts


def _as_bytes(texts: Sequence[str]) -> NDArray[np.bytes_]:
    """The texts as ``S12``; one of another length, or beyond ASCII, becomes a value that is no ISIN."""
    fitting = [text.encode() if len(text) == LENGTH and text.isascii() else b"" for text in texts]
    return np.array(fitting, dtype=f"S{LENGTH}")


def _verdicts(pairs: NDArray[np.uint16]) -> NDArray[np.bool_]:
    tables = _tables()
    total = np.zeros(len(pairs), dtype=np.uint16)
    doubling = np.zeros(len(pairs), dtype=np.intp)  # 0 or _PAIRS: which half of the tables applies
    for column, sums in reversed(list(enumerate((tables.first, *[tables.middle] * 4, tables.last)))):
        looked_up = doubling + pairs[:, column]
        total += sums[looked_up]
        doubling = tables.doubling[looked_up]
    right: NDArray[np.bool_] = (total % 10 == 0) & (total < _REFUSED)
    return right


class _Tables(NamedTuple):
    """By a pair's two bytes as they stand in memory, plus ``_PAIRS`` when its last digit is doubled."""

    first: NDArray[np.uint16]  # what a pair adds: two letters, the prefix
    middle: NDArray[np.uint16]
    last: NDArray[np.uint16]  # ends with a digit
    doubling: NDArray[np.intp]  # 0, or _PAIRS when the last digit before the pair is doubled


@cache
def _tables() -> _Tables:
    first, middle, last = (np.full(2 * _PAIRS, _REFUSED, dtype=np.uint16) for _ in range(3))
    doubling = np.zeros(2 * _PAIRS, dtype=np.intp)
    for left in _LETTERS + _DIGITS:
        for right in _LETTERS + _DIGITS:
            for doubled in (False, True):
                place = ord(left) + (ord(right) << 8) + _PAIRS * doubled
                added, before = _add(left + right, doubled=doubled)
                middle[place], doubling[place] = added, _PAIRS * before
                if left in _LETTERS and right in _LETTERS:
                    first[place] = added
                if right in _DIGITS:
                    last[place] = added
    return _Tables(first, middle, last, doubling)


def _add(pair: str, *, doubled: bool) -> tuple[int, bool]:
    """What a pair adds to the sum, modulo 10, and whether the digit before it is doubled."""
    total = 0
    for digit in reversed("".join(str(int(character, 36)) for character in pair)):
        total += sum(divmod(int(digit) * 2, 10)) if doubled else int(digit)
        doubled = not doubled
    return total % 10, doubled
