"""A script: ends process groups when its standard input closes. Lines there are `<group> <signal>`, 0 to forget one."""

import os
import signal
import sys
from contextlib import suppress


def main() -> None:
    """Reads until the writer is gone, however it went."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    watched: dict[int, int] = {}
    for line in sys.stdin:
        group, death_signal = map(int, line.split())
        watched[group] = death_signal
    for group, death_signal in watched.items():
        if death_signal:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, death_signal)


if __name__ == "__main__":
    main()
