"""One process from its start to its end: its output relayed, its whole group gone when it is."""

import asyncio
import os
import signal
from contextlib import suppress

from local_stack.console import Console
from local_stack.guard import Guard
from local_stack.launch import Launch

_LONGEST_LINE = 64 * 1024


class Process:
    """A started process. Made by `start`."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, launch: Launch) -> None:
        self.name = name
        self.pid = process.pid
        self._process = process
        self._launch = launch

    @classmethod
    async def start(cls, name: str, launch: Launch, console: Console, guard: Guard, *, feed: bytes = b"") -> "Process":
        """Starts it and relays its output; `feed` is what it reads from its standard input. Raises OSError."""
        ours, theirs = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *launch.argv,
                stdin=asyncio.subprocess.PIPE if feed else asyncio.subprocess.DEVNULL,
                # A pipe of our own: one of asyncio's could hold up `wait` until the last grandchild closes it.
                stdout=theirs,
                stderr=theirs,
                **launch.options(),
            )
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        guard.watch(process.pid, launch.death_signal)
        _Relay(name, ours, console).begin()
        if process.stdin:
            process.stdin.write(feed)
            process.stdin.close()
        return cls(name, process, launch)

    async def end_of(self, guard: Guard) -> int:
        """Waits for its end and gives the exit code, or minus the signal. What it started itself ends with it."""
        code = await self._process.wait()
        self._signal_group(signal.SIGKILL)
        guard.forget(self.pid)
        return code

    async def stop(self, patience_s: float) -> None:
        """Asks it to end, more firmly each `patience_s` seconds. The last signal cannot be refused."""
        for stop_signal in self._launch.stop_signals:
            with suppress(ProcessLookupError):
                self._process.send_signal(stop_signal)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), patience_s)
                return

    def kill(self) -> None:
        """Ends it at once."""
        self._signal_group(self._launch.death_signal)

    def _signal_group(self, which: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, which)


class _Relay:
    """Copies the lines of a pipe to the console until its last writer is gone."""

    def __init__(self, name: str, pipe: int, console: Console) -> None:
        self._name = name
        self._pipe = pipe
        self._console = console
        self._rest = b""

    def begin(self) -> None:
        os.set_blocking(self._pipe, False)
        asyncio.get_running_loop().add_reader(self._pipe, self._read)

    def _read(self) -> None:
        chunk = os.read(self._pipe, _LONGEST_LINE)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if self._rest and (not chunk or len(self._rest) > _LONGEST_LINE):
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            self._console.line(self._name, line.decode(errors="replace").rstrip("\r"))
        if not chunk:
            asyncio.get_running_loop().remove_reader(self._pipe)
            os.close(self._pipe)
