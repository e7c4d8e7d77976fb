"""Keeps processes running and ends them in order."""

import asyncio
import time
from contextlib import suppress

from local_stack.console import Console, how_it_ended
from local_stack.guard import Guard
from local_stack.launch import Launch
from local_stack.process import Process

_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.5, 30.0
_STEADY_AFTER_S = 20.0  # having run this long, a crash counts as the first again
_HOPELESS_AFTER = 3  # ends
_PATIENCE_S = 2.0  # for each stop signal; three stages of it stay under 10 s


class Supervisor:
    """Every part it was given runs until `stop`; one that ends is started again, later each time."""

    def __init__(self, console: Console, guard: Guard) -> None:
        self._console = console
        self._guard = guard
        self._kept: list[_Kept] = []

    def keep(self, name: str, launch: Launch, *, stage: int) -> None:
        """Starts a part and keeps it running. Parts of a higher stage are stopped first."""
        self._kept.append(_Kept(name, launch, stage, self._console, self._guard))

    async def run(self, name: str, launch: Launch, *, feed: bytes = b"") -> int:
        """Runs a command to its end and gives its exit code. Cancelling ends the command. Raises OSError."""
        process = await Process.start(name, launch, self._console, self._guard, feed=feed)
        try:
            return await process.end_of(self._guard)
        except asyncio.CancelledError:
            process.kill()
            await process.end_of(self._guard)
            raise

    def hopeless(self) -> str | None:
        """A part that ended so often that waiting for it makes no sense."""
        return next((kept.name for kept in self._kept if kept.ends >= _HOPELESS_AFTER), None)

    async def stop(self) -> None:
        """Ends the parts, the highest stage first, those of one stage together."""
        for stage in sorted({kept.stage for kept in self._kept}, reverse=True):
            await asyncio.gather(*(kept.stop() for kept in self._kept if kept.stage == stage))
        self._kept.clear()

    def kill(self) -> None:
        """Ends everything at once, without asking."""
        for kept in self._kept:
            kept.kill()


class _Kept:
    """One part that is kept running."""

    def __init__(self, name: str, launch: Launch, stage: int, console: Console, guard: Guard) -> None:
        self.name = name
        self.stage = stage
        self.ends = 0  # by itself
        self._launch = launch
        self._console = console
        self._guard = guard
        self._process: Process | None = None
        self._stopping = asyncio.Event()
        self._task = asyncio.create_task(self._keep_running(), name=name)

    async def stop(self) -> None:
        self._stopping.set()
        if self._process:
            await self._process.stop(_PATIENCE_S)
        await self._task

    def kill(self) -> None:
        self._stopping.set()
        if self._process:
            self._process.kill()

    async def _keep_running(self) -> None:
        delay = _FIRST_DELAY_S
        while not self._stopping.is_set():
            started = time.monotonic()
            end = await self._run_once()
            if self._stopping.is_set():
                return
            self.ends += 1
            if time.monotonic() - started > _STEADY_AFTER_S:
                delay = _FIRST_DELAY_S
            self._console.say(f"{self.name} {end}, restarting in {delay:g} s")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay)
            delay = min(delay * 2, _LONGEST_DELAY_S)

    async def _run_once(self) -> str:
        try:
            self._process = await Process.start(self.name, self._launch, self._console, self._guard)
        except OSError as error:
            return f"could not be started ({error.strerror})"
        if self._stopping.is_set():  # asked to stop while it was being started
            self._process.kill()
        code = await self._process.end_of(self._guard)
        self._process = None
        return how_it_ended(code)
