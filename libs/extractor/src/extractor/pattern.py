"""What a pattern is, and what is demanded of one."""

import re
from dataclasses import dataclass, field

from extractor.errors import PatternError
from extractor.reach import UNBOUNDED, reach

LONGEST_REACH = 65_536
"""Characters that a pattern may see from the start of a match on; streams hold this much back at every cut."""


@dataclass(frozen=True)
class Pattern:
    r"""A regular expression that gives the same answer over a stream as over the whole text.

    The value of a match is its only capturing group, or all of it when there is none. Expressions match text (bytes are
    decoded first), so `\d` and `\b` know all of Unicode unless `(?a)` says ASCII.

    Demanded of `regex`, and checked here once, so that any cut of the input can be undone exactly:

    - no match is empty;
    - a match has a longest length: `[0-9]{1,20}`, not `[0-9]+`. What becomes of a longer run is yours to say:
      `[0-9]{1,20}` takes 20 digits and goes on behind them, `(?<![0-9])[0-9]{1,20}+(?![0-9])` leaves the run out;
    - look-aheads are bounded too (look-behinds are by nature), and all in all it sees at most 65,536 characters;
    - at most one capturing group.

    Not checked: time. A match is tried at every place, so the whole takes the length of the text times the worst try.
    Nested repeats can make a try very slow; possessive repeats (`{1,20}+`) and atomic groups keep it short.

    `number` says that the values are integers unless the caller wants strings.

    Raises PatternError when the expression does not compile or breaks a demand.
    """

    name: str
    regex: str
    number: bool = False
    summary: str = ""
    compiled: re.Pattern[str] = field(init=False, repr=False, compare=False)
    longest: int = field(init=False, repr=False, compare=False)
    behind: int = field(init=False, repr=False, compare=False)
    ahead: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            compiled = re.compile(self.regex)
            seen = reach(self.regex)
        except (re.error, OverflowError, RecursionError) as error:
            raise PatternError(f"{self.name}: not a regular expression: {error}") from error
        if compiled.groups > 1:
            raise PatternError(
                f"{self.name}: {compiled.groups} capturing groups, at most one can be the value: write (?:...)"
            )
        if seen.shortest == 0:
            raise PatternError(f"{self.name}: can match nothing at all; demand at least one character")
        if max(seen.longest, seen.ahead) >= UNBOUNDED:
            raise PatternError(
                f"{self.name}: no longest match; give each repeat a bound, as in [0-9]{{1,20}} for [0-9]+"
            )
        if seen.longest + seen.ahead > LONGEST_REACH:
            raise PatternError(
                f"{self.name}: sees {seen.longest + seen.ahead} characters ahead, more than {LONGEST_REACH}"
            )
        for name, value in (
            ("compiled", compiled),
            ("longest", seen.longest),
            ("behind", seen.behind),
            ("ahead", seen.ahead),
        ):
            object.__setattr__(self, name, value)
