"""A pattern over blocks of text, with the answer that the whole text would give.

How a cut is undone: text is gathered in a window, and a match is believed only when it starts before the *horizon*, far
enough from the window's end that whatever the expression may look at is there. The rest waits for the next block.

Walking the matches one by one would do, but `findall` is twice as fast, and tells no positions. So `batches` looks for
a *seam* just before the horizon: a place that no match can lie across, whatever came before. What `findall` gives from
the seam on is then the tail of what it gives from the window's start, and can be counted off.
"""

import re
from collections.abc import Iterable, Iterator

from extractor.pattern import Pattern

_SEAM_SEARCH = 1_024
"""Characters before the horizon among which a seam is looked for; where matches could overlap all the way is none."""


def batches(pattern: Pattern, blocks: Iterable[str]) -> Iterator[list[str]]:
    """The values in order, in one list for each window."""
    findall = pattern.compiled.findall
    text, at = "", 0
    for block in blocks:
        text += block
        horizon = _horizon(pattern, text)
        seam = _seam(pattern, text, at, horizon)
        if seam is None:
            walked = list(_before(horizon, pattern, text, at))
            yield [value_of(match) for match in walked]
            at = max(horizon, walked[-1].end() if walked else at)
        else:
            values = findall(text, at)
            del values[len(values) - len(findall(text, seam)) :]
            yield values
            del values  # or two lists would live while the next is made
            at = seam
        text, at, _ = _forget(pattern, text, at)
    yield findall(text, at)


def matches(pattern: Pattern, blocks: Iterable[str]) -> Iterator[tuple[int, re.Match[str]]]:
    """The matches in order, each with the position in the source of its window's first character."""
    text, at, base = "", 0, 0
    for block in blocks:
        text += block
        horizon = _horizon(pattern, text)
        for match in _before(horizon, pattern, text, at):
            yield base, match
            at = match.end()
        text, at, forgotten = _forget(pattern, text, max(at, horizon))
        base += forgotten
    for match in pattern.compiled.finditer(text, at):
        yield base, match


def value_of(match: re.Match[str]) -> str:
    """What `findall` gives for this match: its group, empty if that took no part; all of it when there is no group."""
    return match[match.re.groups] or ""


def _horizon(pattern: Pattern, text: str) -> int:
    """The first place where a match could start whose expression may look past the end of the text."""
    return len(text) - pattern.longest - pattern.ahead + 1


def _before(horizon: int, pattern: Pattern, text: str, at: int) -> Iterator[re.Match[str]]:
    for match in pattern.compiled.finditer(text, at):
        if match.start() >= horizon:
            return
        yield match


def _seam(pattern: Pattern, text: str, at: int, horizon: int) -> int | None:
    """The last place up to the horizon that no match can lie across, if there is one among the last characters.

    Every match that could start there is looked at, also those that an earlier one would have swallowed: then it does
    not matter which of them are real.
    """
    search = pattern.compiled.search
    start = max(at, horizon - _SEAM_SEARCH - pattern.longest)
    covered = at if start == at else start + pattern.longest  # a match from further back may come so far
    seam = None
    while match := search(text, start):
        begin, end = match.span()
        if begin >= horizon:
            break
        if begin >= covered:
            seam = begin
        covered = max(covered, end)
        start = begin + 1
    return horizon if covered <= horizon else seam


def _forget(pattern: Pattern, text: str, at: int) -> tuple[str, int, int]:
    """Drop what is behind `at`, but for what the pattern looks back at: the text, where `at` is now, and the loss."""
    dropped = max(0, at - pattern.behind)
    return text[dropped:], at - dropped, dropped
