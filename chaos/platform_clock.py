"""A clock that jumps: of the services and workers, while that of the database goes on as ever (libfaketime)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))
from debian import unpacked

RIGHT = "+0"


class JumpingClock:
    """How far the services' clocks are off, in seconds. Those that run a clock of one direction are left alone."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self.off_by(RIGHT)

    def off_by(self, seconds: str) -> None:
        """From the next second on."""
        self._file.write_text(f"{seconds}\n")

    def environment(self) -> dict[str, str] | None:
        """For the services; None where libfaketime is not to be had."""
        package = unpacked("libfaketime")
        found = [] if package is None else list(package.rglob("libfaketime.so.1"))
        if not found:
            return None
        return {
            "LD_PRELOAD": str(found[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
