"""Slips of the finger: which words of the catalogue may have been meant."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice, product

MOST_TRIES = 4


def one_slip(typed: str, word: str) -> bool:
    """Whether one letter is missing, added, wrong, or changed places with the next (optimal string alignment of 1)."""
    if len(typed) > len(word):
        typed, word = word, typed
    start = 0
    while start < len(typed) and typed[start] == word[start]:
        start += 1
    if len(typed) < len(word):
        return typed[start:] == word[start + 1 :] and len(word) - len(typed) == 1
    swapped = typed[start : start + 2][::-1] == word[start : start + 2] and typed[start + 2 :] == word[start + 2 :]
    return typed[start + 1 :] == word[start + 1 :] or swapped


def corrections(text: str, misspelt: Sequence[tuple[str, Sequence[str]]]) -> Iterator[str]:
    """The text with its misspelt words replaced by what may have been meant, the likeliest first.

    ``misspelt``: words that stand nowhere, each with known ones of its neighbourhood. At most ``MOST_TRIES``
    texts, and none when for some word there is no likely one.
    """
    choices = []
    for typed, near in misspelt:
        likely = [word for word in near if one_slip(typed, word)]
        # People seldom miss the first letter, and more often swap or repeat letters than add foreign ones.
        likely.sort(key=lambda word: (word[0] != typed[0], sorted(word) != sorted(typed), abs(len(word) - len(typed))))
        choices.append(likely)
    for words in islice(product(*choices), MOST_TRIES if choices else 0):
        meant = dict(zip((typed for typed, _ in misspelt), words, strict=True))
        yield "".join(meant.get(part.lower(), part) for part in re.split(r"(\W+)", text))
