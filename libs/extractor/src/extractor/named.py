"""The patterns that have a name. All of them are ASCII: a letter or digit of another script is neither to them."""

import difflib
from collections.abc import Mapping
from types import MappingProxyType

from extractor.errors import UnknownPatternError
from extractor.pattern import Pattern

# 4,300 digits are what `int()` reads. A longer run is no number and is left out whole: a part would be a wrong one.
_DIGITS = r"([0-9]{1,4300}+)(?![0-9])"
_COLON = r"[ \t\r\n]{0,200}+:[ \t\r\n]{0,200}+"

# The longest package name that Android installs has 223 characters.
# One step takes a word character, or a dot that a letter follows, so that every segment starts with a letter.
_PACKAGE = r"""
    ((?=[A-Za-z]\w{0,221}\.[A-Za-z])(?:\w|\.(?=[A-Za-z])){3,223}+)
    (?![\w@/-]|\.\w)
"""
_QUERY_BEFORE_ID = r"""\?(?:[^\s\#"'<>]{0,500}?[&;])?id="""

PATTERNS: Mapping[str, Pattern] = MappingProxyType(
    {
        pattern.name: pattern
        for pattern in (
            Pattern(
                "order-numbers",
                rf'"(?:id|code)"{_COLON}{_DIGITS}',
                number=True,
                summary='the numbers that are values of the keys "id" and "code"',
            ),
            Pattern(
                "order-ids",
                rf'"id"{_COLON}{_DIGITS}',
                number=True,
                summary='the numbers that are values of the key "id"',
            ),
            # The same as (?<=:)[0-9]+ and several times as fast: the engine can look for the colon itself.
            Pattern(
                "after-colon", rf":{_DIGITS}", number=True, summary="the numbers that stand directly after a colon"
            ),
            # `\b` before the first letter would say the same, but the engine can skip to a class and not to that.
            Pattern(
                "isin",
                r"(?a)[A-Z](?<!\w.)[A-Z][A-Z0-9]{9}[0-9]\b",
                summary="12 characters of the shape of an ISIN that stand as a word of their own",
            ),
            Pattern(
                "android-package",
                rf"""(?ax)
                \b(?=[A-Za-z])(?<![.@/&=?%\#+~$\\-])
                (?:
                    (?i:(?:https?://)?play\.google\.com)/store/apps/details(?:/[^\s?\#]{{0,100}})?{_QUERY_BEFORE_ID}
                  | (?i:market)://details{_QUERY_BEFORE_ID}
                )?
                {_PACKAGE}""",
                summary="Android package names, bare or in a Play Store link",
            ),
        )
    }
)


def named(name: str) -> Pattern:
    """The pattern of that name.

    Raises UnknownPatternError, with the names that are near.
    """
    if name in PATTERNS:
        return PATTERNS[name]
    near = difflib.get_close_matches(name, PATTERNS, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(PATTERNS)}"
    raise UnknownPatternError(f"no pattern named {name!r}; {hint}")
