"""The ways to find the order numbers of a file, each in a process of its own: ``python pattern_sides.py SIDE FILE``.

Prints how many it found, the seconds without the start of Python, and the most memory in kB. This needs Linux.
"""

import json
import re
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

EXPRESSION = r'"(?:id|code)"\s*:\s*([0-9]+)'


def whole_with_re(path: Path) -> int:
    """``re.findall`` on the whole text."""
    return len(re.findall(EXPRESSION, path.read_text("utf-8")))


def whole_with_re2(path: Path) -> int:
    """The same with RE2, on bytes as it is quickest with them."""
    import re2

    return len(re2.findall(EXPRESSION.encode(), path.read_bytes()))


def parsed_with(loads: Callable[[bytes], Any]) -> Callable[[Path], int]:
    """Parse each line, and walk to the keys."""

    def count(path: Path) -> int:
        with path.open("rb") as lines:
            return sum(sum(1 for _ in numbers(loads(line))) for line in lines)

    return count


def numbers(document: Any) -> Iterable[int]:
    """The numbers under ``id`` and ``code``, wherever they are."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key in {"id", "code"} and isinstance(value, int):
                yield value
            elif isinstance(value, (dict, list)):
                yield from numbers(value)
    elif isinstance(document, list):
        for value in document:
            yield from numbers(value)


def parsed_with_orjson(path: Path) -> int:
    """The quickest parser."""
    import orjson

    return parsed_with(orjson.loads)(path)


def streamed(path: Path) -> int:
    """This project's extractor."""
    from extractor import stream

    return sum(1 for _ in stream("order-numbers", path, str))


SIDES = {
    "re": whole_with_re,
    "re2": whole_with_re2,
    "json": parsed_with(json.loads),
    "orjson": parsed_with_orjson,
    "stream": streamed,
}

if __name__ == "__main__":
    side = SIDES[sys.argv[1]]
    side(Path("/dev/null"))  # imports
    began = time.perf_counter()
    found = side(Path(sys.argv[2]))
    took = time.perf_counter() - began
    peak = Path("/proc/self/status").read_text("ascii").partition("VmHWM:")[2].split()[0]
    sys.stdout.write(f"{found} {took} {peak}\n")
