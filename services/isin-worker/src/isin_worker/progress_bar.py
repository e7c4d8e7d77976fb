"""A line on a terminal that shows how far a run has come."""

import time
from typing import TextIO

WIDTH = 24
QUIET_SECONDS = 0.1


class ProgressBar:
    """Draws over one line, a few times a second, and wipes it at the end."""

    def __init__(self, terminal: TextIO) -> None:
        self._terminal = terminal
        self._drawn_at = 0.0

    def started(self, feed: str, day: str) -> None:
        """A run begins."""
        self._draw(f"{feed} {day}: asking the publisher", now=True)

    def reading(self, feed: str, rows: int, expected: int | None) -> None:
        """So many rows have been read; as many as last time are expected."""
        self._draw(f"{feed}: {_bar(rows, expected)}{rows:,} rows read")

    def publishing(self, feed: str, changes: int) -> None:
        """So many rows are going to be written."""
        self._draw(f"{feed}: writing {changes:,} changes", now=True)

    def ended(self) -> None:
        """The run has ended, however."""
        self._terminal.write("\r\x1b[K")
        self._terminal.flush()

    def _draw(self, text: str, *, now: bool = False) -> None:
        if now or time.monotonic() - self._drawn_at > QUIET_SECONDS:
            self._terminal.write(f"\r\x1b[K{text}")
            self._terminal.flush()
            self._drawn_at = time.monotonic()


def _bar(rows: int, expected: int | None) -> str:
    if not expected:
        return ""
    full = min(WIDTH, WIDTH * rows // expected)
    return f"[{'#' * full}{'.' * (WIDTH - full)}] "
