"""What it takes to start one process here, and how it dies when whoever started it dies."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Launch:
    """One process to start: its command, its surroundings, and the signals that end it, gentle first."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    stop_signals: tuple[signal.Signals, ...] = (signal.SIGTERM, signal.SIGKILL)
    death_signal: signal.Signals = signal.SIGKILL  # from the kernel, when its parent is gone
    run_as: tuple[int, int] | None = None  # user and group; None: whoever we are
    fds: tuple[int, ...] = ()  # kept open across the start

    def options(self) -> dict[str, Any]:
        """The keyword arguments for `subprocess.Popen` and `asyncio.create_subprocess_exec`."""
        identity = {"user": self.run_as[0], "group": self.run_as[1], "extra_groups": []} if self.run_as else {}
        return {
            "env": dict(self.env),
            "cwd": self.cwd,
            "pass_fds": self.fds,
            # A session of its own: Ctrl-C reaches the supervisor only, and the whole group can be ended at once.
            "start_new_session": True,
            # Runs after the change of user, which clears the death signal.
            "preexec_fn": _die_with(os.getpid(), self.death_signal),
            **identity,
        }


def _die_with(parent: int, death_signal: signal.Signals) -> Callable[[], None] | None:
    if _libc is None:
        return None
    prctl = _libc.prctl  # looked up before the fork: the child may do next to nothing

    def before_exec() -> None:
        prctl(_PR_SET_PDEATHSIG, int(death_signal))
        if os.getppid() != parent:  # it died between fork and prctl
            os._exit(1)

    return before_exec


def end_with_parent(death_signal: signal.Signals) -> None:
    """Asks the kernel to send this process `death_signal` when its parent is gone."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(death_signal))
