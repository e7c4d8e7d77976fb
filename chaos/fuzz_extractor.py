"""Hostile bytes against the extractor: a stream must give what the whole text gives. ``chaos/fuzz.py`` runs this."""

import sys
from itertools import chain

import atheris

with atheris.instrument_imports(include=["extractor"]):
    from extractor import PATTERNS, ExtractorError, extract, find, is_valid_isin, package_name
    from extractor.scan import batches
    from extractor.sources import text_blocks

NAMES = list(PATTERNS)


def one_input(data: bytes) -> None:
    """The first bytes choose the pattern, the sizes of windows and chunks, and how often the rest comes as the text."""
    choice, block, size, times, text = data[0:1], data[1:3], data[3:4], data[4:5], data[5:]
    if not text:
        return
    pattern = PATTERNS[NAMES[choice[0] % len(NAMES)]]
    whole = text.decode("utf-8", "replace") * (times[0] % 64 + 1)
    raw = whole.encode()
    chunks = [raw[at : at + size[0] + 1] for at in range(0, len(raw), size[0] + 1)]

    expected = pattern.compiled.findall(whole)
    streamed = list(chain.from_iterable(batches(pattern, text_blocks(chunks, int.from_bytes(block) % 8192 + 500))))
    if not streamed == expected == [match.value for match in find(pattern, raw)]:
        raise AssertionError("a stream gives something else than the whole")
    if pattern.number:
        extract(pattern, chunks, int)
    for value in expected[:10]:
        check(value)
    check(whole)


def check(text: str) -> None:
    is_valid_isin(text)
    try:
        package_name(text)
    except ExtractorError:
        return


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
