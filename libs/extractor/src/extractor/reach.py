"""How far a regular expression can see: the one question whose answer makes a cut in a stream safe.

The standard library knows it (it must, to refuse look-behinds of no fixed width) but offers no public way to ask,
so this file, and no other, reads the parse tree of `re`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from re import _parser  # type: ignore[attr-defined]  # private, and unchanged in this use since Python 2.0
from typing import Any

UNBOUNDED = int(_parser.MAXREPEAT)


@dataclass(frozen=True)
class Reach:
    """In characters: the shortest and the longest match, and how far is looked before its start and past its end."""

    shortest: int
    longest: int
    behind: int
    ahead: int


def reach(regex: str) -> Reach:
    """Measure an expression; `longest` or `ahead` at or above `UNBOUNDED` means that there is no bound.

    Raises re.error when it does not compile.
    """
    tree = _parser.parse(regex)
    shortest, longest = tree.getwidth()
    looks = list(_looks(tree))
    return Reach(
        shortest=int(shortest),
        longest=int(longest),
        # One more for `\b`, `^` and `\A`: they ask what comes before, or whether anything does.
        behind=1 + sum(width for direction, width in looks if direction == -1),
        # Two more for `\b`, `\Z` and `$`: the last asks whether a newline comes and then nothing.
        ahead=2 + sum(width for direction, width in looks if direction == 1),
    )


def _looks(node: Any) -> Iterator[tuple[int, int]]:
    """Every look-around below a node of the tree, as its direction (-1 behind, 1 ahead) and its width.

    Callers add the widths up: too much where two look-arounds stand side by side, right where they are nested.
    """
    if isinstance(node, _parser.SubPattern):
        for operation, argument in node:
            if operation in {re._constants.ASSERT, re._constants.ASSERT_NOT}:  # type: ignore[attr-defined]  # noqa: SLF001 # as above
                direction, inside = argument
                yield direction, int(inside.getwidth()[1])
            yield from _looks(argument)
    elif isinstance(node, (tuple, list)):
        for part in node:
            yield from _looks(part)
