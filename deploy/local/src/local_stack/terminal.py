"""Ctrl-C under `make`: the stack takes the terminal, so that make sees it end well instead of being interrupted itself.

make dies of the same Ctrl-C that stops the stack, and its exit code 130 hides ours. So the stack does what a shell does
for a job: it moves to a process group of its own, in the foreground, and gives the terminal back at the end.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from local_stack.launch import end_with_parent


@contextmanager
def own_foreground() -> Iterator[None]:
    """Holds the terminal while it lasts. Without a terminal, or in the background, nothing changes."""
    before = _foreground_group()
    if before is None or before != os.getpgrp() or os.getpid() == before:
        yield
        return
    os.setpgid(0, 0)
    # Nothing would wake us again after Ctrl-Z: make does not look at its stopped children.
    stopping = signal.signal(signal.SIGTSTP, signal.SIG_IGN)
    _give_terminal_to(os.getpgrp())
    try:
        yield
    finally:
        _give_terminal_to(before)
        signal.signal(signal.SIGTSTP, stopping)


def end_with_make() -> None:
    """When make started us and is killed, we stop as well."""
    if "MAKELEVEL" in os.environ:
        end_with_parent(signal.SIGTERM)


def _foreground_group() -> int | None:
    try:
        return os.tcgetpgrp(sys.stdin.fileno())
    except (OSError, ValueError):  # no terminal; closed
        return None


def _give_terminal_to(group: int) -> None:
    # Whoever is in the background gets SIGTTOU for this, which would stop it.
    heard = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    with suppress(OSError):
        os.tcsetpgrp(sys.stdin.fileno(), group)
    signal.signal(signal.SIGTTOU, heard)
