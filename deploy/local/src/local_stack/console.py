"""One log for all processes: a line each, led by who said it."""

import sys
from contextlib import suppress
from typing import TextIO

_WIDTH = 10
# What a user sent must not steer the terminal of whoever reads the log.
_ESCAPED = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if code != ord("\t")}


class Console:
    """Writes whole lines at once. A reader that went away (`| head`) is no reason to stop the stack."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out

    def line(self, who: str, text: str) -> None:
        """A line of a process, escape sequences made visible."""
        self.plain(f"{who:<{_WIDTH}}| {text.translate(_ESCAPED)}")

    def say(self, text: str) -> None:
        """A line of the stack itself."""
        self.line("stack", text)

    def plain(self, text: str) -> None:
        """A line without a prefix."""
        with suppress(OSError):
            self._out.write(text + "\n")
            self._out.flush()


def how_it_ended(code: int) -> str:
    """`exited with code 1` or `exited with signal 9`."""
    return f"exited with signal {-code}" if code < 0 else f"exited with code {code}"
