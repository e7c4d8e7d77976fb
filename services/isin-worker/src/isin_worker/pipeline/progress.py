"""How far a run has come, for whoever watches it."""

from typing import Protocol


class Progress(Protocol):
    """Is told of each step. It must be quick, and never fails."""

    def started(self, feed: str, day: str) -> None:
        """A run begins."""

    def reading(self, feed: str, rows: int, expected: int | None) -> None:
        """So many rows have been read; as many as last time are expected."""

    def publishing(self, feed: str, changes: int) -> None:
        """So many rows are going to be written."""

    def ended(self) -> None:
        """The run has ended, however."""


class Unwatched:
    """Nobody looks."""

    def started(self, feed: str, day: str) -> None:
        """Nothing to do."""

    def reading(self, feed: str, rows: int, expected: int | None) -> None:
        """Nothing to do."""

    def publishing(self, feed: str, changes: int) -> None:
        """Nothing to do."""

    def ended(self) -> None:
        """Nothing to do."""
