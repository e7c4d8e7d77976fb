"""What a caller sends makes no line of its own in the log."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from servicekit import logs
from servicekit.settings import ServiceSettings

HOSTILE = 'org.example"\n{"event": "forged"}\r\x1b[2J\x9b2J\x85\u2028\u202eend'


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """A log as in production; afterwards it is as it was."""
    root = logging.getLogger()
    handlers, level, config = root.handlers[:], root.level, structlog.get_config()
    stream = io.StringIO()
    logs.configure("things", ServiceSettings.example(log_format="json"), stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**config)


def test_a_value_stays_in_its_line_and_moves_no_cursor(written: io.StringIO) -> None:
    structlog.get_logger("test").warning("thing.refused", name=HOSTILE)
    logging.getLogger("a.library").warning("no such thing: %s", HOSTILE)
    lines = written.getvalue().splitlines()
    assert all(line.isascii() and line.isprintable() for line in lines)
    ours, theirs = map(json.loads, lines)
    assert (ours["event"], ours["name"]) == ("thing.refused", HOSTILE)
    assert theirs["event"] == f"no such thing: {HOSTILE}"
