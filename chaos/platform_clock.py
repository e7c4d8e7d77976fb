"""A clock that jumps: of the services and workers, while that of the database goes on as ever.

time-machine sets it, in each Python. libfaketime would for any program, but a thread that asks it for the time while
another one forks leaves the child waiting for ever: the service that starts a child for a picture stood still.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))
from environments import environment

FOLDER = Path(__file__).parent / "clock"
RIGHT = "+0"


class JumpingClock:
    """How far the services' clocks are off, in seconds. Those that run a clock of one direction are left alone."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self.off_by(RIGHT)

    def off_by(self, seconds: str) -> None:
        """From a moment later on."""
        self._file.write_text(f"{seconds}\n")

    def environment(self) -> dict[str, str]:
        """For the services."""
        (packages,) = (environment(FOLDER / "requirements.txt").parent / "lib").glob("*/site-packages")
        return {"PYTHONPATH": f"{FOLDER}:{packages}", "CLOCK_OFF_BY": str(self._file)}
