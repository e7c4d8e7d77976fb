"""The way in: a pattern, or its name, and a source of any kind and size."""

from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import NamedTuple, overload

from extractor.errors import NotANumberError
from extractor.named import named
from extractor.pattern import Pattern
from extractor.scan import batches, matches, value_of
from extractor.sources import Source, text_blocks


class Match(NamedTuple):
    """A value and where it starts: `offset` counts the characters (also of bytes) before it in the whole source."""

    offset: int
    value: str


@overload
def extract(pattern: str | Pattern, source: Source, as_type: type[int]) -> list[int]: ...
@overload
def extract(pattern: str | Pattern, source: Source, as_type: type[str]) -> list[str]: ...
@overload
def extract(pattern: str | Pattern, source: Source, as_type: None = None) -> list[int] | list[str]: ...
def extract(pattern: str | Pattern, source: Source, as_type: type[int | str] | None = None) -> list[int] | list[str]:
    """All values of a pattern in a source, in order; `stream` gives the same without holding them all.

    `pattern` is the name of one of `PATTERNS`, or a `Pattern`. `source` is text as str; UTF-8 text as bytes; a path
    (a `Path`: a str is always text); an open file, text or binary; or an iterable of chunks, cut anywhere.
    `as_type` is `int` or `str`; without it the pattern decides.

    Raises UnknownPatternError, NotUtf8Error, NotANumberError, OSError, and TypeError for a source of another kind.
    """
    return list(stream(pattern, source, as_type))  # type: ignore[return-value]  # one type throughout, as the overloads say


@overload
def stream(pattern: str | Pattern, source: Source, as_type: type[int]) -> Iterator[int]: ...
@overload
def stream(pattern: str | Pattern, source: Source, as_type: type[str]) -> Iterator[str]: ...
@overload
def stream(pattern: str | Pattern, source: Source, as_type: None = None) -> Iterator[int] | Iterator[str]: ...
def stream(
    pattern: str | Pattern, source: Source, as_type: type[int | str] | None = None
) -> Iterator[int] | Iterator[str]:
    """As `extract`, one value after the other in constant memory. A file given as a path is closed at the end."""
    chosen = named(pattern) if isinstance(pattern, str) else pattern
    texts = batches(chosen, text_blocks(source))
    if as_type is int or (as_type is None and chosen.number):
        # No generator expression: its variable would keep each list until the next one is made.
        return chain.from_iterable(map(partial(_integers, chosen), texts))
    return chain.from_iterable(texts)


def find(pattern: str | Pattern, source: Source) -> Iterator[Match]:
    """As `stream`, with the place of each value; the values are strings."""
    chosen = named(pattern) if isinstance(pattern, str) else pattern
    return _placed(chosen, source)


def _placed(pattern: Pattern, source: Source) -> Iterator[Match]:
    for base, match in matches(pattern, text_blocks(source)):
        start = match.start(pattern.compiled.groups)
        yield Match(base + (start if start >= 0 else match.start()), value_of(match))


def _integers(pattern: Pattern, values: list[str]) -> list[int]:
    try:
        return list(map(int, values))
    except ValueError as error:
        raise NotANumberError(f"{pattern.name}: {error}") from None
