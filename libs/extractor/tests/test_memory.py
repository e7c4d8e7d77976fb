"""A stream of any size in little memory, measured in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

MEGABYTE = 1_000_000
ALLOWED = 30_000_000
STATUS = Path("/proc/self/status")

PROGRAM = """
import sys
from collections import deque
from itertools import repeat
from pathlib import Path
from extractor import find, stream

name, unit, way, megabytes = sys.argv[1:]
chunk = unit.encode() * (100_000 // len(unit.encode()) + 1)
chunks = repeat(chunk, int(megabytes) * 1_000_000 // len(chunk))
values = find(name, chunks) if way == "find" else stream(name, chunks, int if way == "int" else str)
deque(values, maxlen=None if way == "all" else 0)
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""

pytestmark = pytest.mark.skipif(not STATUS.exists(), reason="peaks of memory are read from /proc: missing here")


def peak_of(*arguments: str) -> int:
    """The peak of resident memory, in bytes, of a fresh process that reads a stream."""
    command = [sys.executable, "-c", PROGRAM, *arguments]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout) * 1024


@pytest.mark.parametrize(
    ("name", "unit", "way"),
    [
        ("order-numbers", '{"id":123456},', "int"),
        ("after-colon", ":12", "str"),
        ("after-colon", ":1234", "int"),
        ("after-colon", "1", "str"),
        ("order-ids", '"id":1 𝄞', "str"),
        ("isin", "US0378331005 ", "str"),
        ("android-package", "com.example.app ", "str"),
    ],
)
def test_64_megabytes_pass_in_less_than_30(name: str, unit: str, way: str) -> None:
    assert peak_of(name, unit, way, "64") < ALLOWED


def test_places_of_matches_need_no_more() -> None:
    assert peak_of("after-colon", ":12 more text", "find", "16") < ALLOWED


def test_the_measure_would_notice() -> None:
    assert peak_of("after-colon", ":12", "all", "4") > ALLOWED
