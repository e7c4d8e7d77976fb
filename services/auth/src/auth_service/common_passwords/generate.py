"""Writes ``list.txt``: ``python -m auth_service.common_passwords.generate``.

The habits of people who are asked for a long password: a favourite word twice, two favourite words, a word and a year
or a row of digits, letters replaced by digits that look alike, a walk over the keyboard, one character again and again.
"""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

MIN_LENGTH, MAX_LENGTH = 12, 20

FOLDER = Path(__file__).parent
WORDS = (FOLDER / "words.txt").read_text(encoding="utf-8").split()
ENDINGS = (FOLDER / "endings.txt").read_text(encoding="utf-8").split()
YEARS = [str(year) for year in range(1970, 2031)]
LOOK_ALIKES = str.maketrans("aeios", "@310$")
KEYBOARD = (
    "1234567890",
    "0987654321",
    "qwertyuiop",
    "poiuytrewq",
    "asdfghjkl",
    "lkjhgfdsa",
    "zxcvbnm",
    "mnbvcxz",
    "qwertzuiop",
    "azertyuiop",
    "abcdefghijklmnopqrstuvwxyz",
    "zyxwvutsrqponmlkjihgfedcba",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv5tgb",
    "qazwsxedcrfvtgbyhnujm",
    "zaq12wsxcde34rfvbgt5",
    "q1w2e3r4t5y6u7i8o9p0",
    "a1b2c3d4e5f6g7h8",
    "!qaz@wsx#edc$rfv",
)


def candidates() -> Iterator[str]:
    """Everything that the habits give, of any length."""
    for word in WORDS:
        alike = word.translate(LOOK_ALIKES)
        yield from (word * 3, word * 4)
        for base in {word, alike, word * 2}:
            yield base
            for ending in (*ENDINGS, *YEARS):
                yield base + ending
    for first, second in product(WORDS[:60], repeat=2):
        yield first + second
    yield from (f"{first}{join}{second}" for first, second in product(WORDS[:20], repeat=2) for join in " -_.")
    for row in KEYBOARD:
        endless = row * 4
        yield from (row + ending for ending in ENDINGS)
        yield from (endless[start : start + length] for start in (0, 1) for length in range(MIN_LENGTH, MAX_LENGTH + 1))
    for first, second in product(KEYBOARD, repeat=2):
        yield from (first[:size] + second[:size] for size in (6, 7, 8, 9, 10))
    for character in "abcdefghijklmnopqrstuvwxyz0123456789!?.*-_":
        yield from (character * length for length in range(MIN_LENGTH, MAX_LENGTH + 1))
    for piece in ("12", "123", "1234", "12345", "123456", "abc", "abcd", "qwe", "asd", "xyz", "ab", "69", "007"):
        yield from ((piece * MAX_LENGTH)[:length] for length in range(MIN_LENGTH, MAX_LENGTH + 1))
    for year in YEARS:
        yield from (f"{year}{month:02}{day:02}{year}" for month in range(1, 13) for day in (1, 15))


def content() -> str:
    """The list: in lower case, in order, each once."""
    fitting = {text.casefold() for text in candidates() if MIN_LENGTH <= len(text) <= MAX_LENGTH}
    return "".join(f"{text}\n" for text in sorted(fitting))


if __name__ == "__main__":
    (FOLDER / "list.txt").write_text(content(), encoding="utf-8")
