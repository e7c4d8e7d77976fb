"""Which of the languages that there are suits a reader best (RFC 9110, section 12.5.4; RFC 4647)."""

import re
from collections.abc import Iterable

_RANGE = re.compile(r"\s*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)\s*(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?")
MOST_RANGES = 20


def wanted(accept_language: str | None) -> list[str]:
    """The ranges of the header in lower case, the best first. What is malformed or refused (``q=0``) is left out."""
    ranges = []
    for part in (accept_language or "").split(",")[:MOST_RANGES]:
        found = _RANGE.fullmatch(part)
        if found and (quality := float(found[2] or 1)):
            ranges.append((-quality, found[1].lower()))
    return [tag for _, tag in sorted(ranges, key=lambda item: item[0])]


def language(tag: str) -> str:
    """The language of a tag without its region and script."""
    return tag.partition("-")[0].lower()


def best(own: str, others: Iterable[str], ranges: list[str]) -> str:
    """The locale that suits best; ``own``, in which everything is there, when none does."""
    known = [own, *others]
    for tag in ranges:
        # The same tag, else what is closest of the same language: "de-CH" is served by "de", and "de" by "de-AT".
        same = [locale for locale in known if language(locale) == language(tag)]
        if same:
            return min(same, key=lambda locale: (locale.lower() != tag, locale != own, len(locale)))
    return own
