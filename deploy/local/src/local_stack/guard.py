"""Nothing outlives the supervisor, even when it is killed: our end of the pipe to the helper that sees to it.

The kernel's parent-death signal ends our own children. Their children (a pool that decodes pictures, say) would stay,
so a small helper (`end_orphans.py`) reads a pipe that only the supervisor writes. When that closes, the supervisor is
gone, and the helper ends every process group it was told of.
"""

import asyncio
import os
import signal
import sys
from types import TracebackType
from typing import Self

from local_stack import end_orphans
from local_stack.console import Console, how_it_ended


class Guard:
    """Our end of the pipe. Leaving the context ends the helper, and with it whatever is still watched."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._watched: dict[int, int] = {}
        self._read_end, self._write_end = os.pipe()

    async def __aenter__(self) -> Self:
        self._helper = await self._start_helper()
        self._keeping = asyncio.create_task(self._keep_helper())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._keeping.cancel()
        os.close(self._write_end)
        os.close(self._read_end)
        await self._helper.wait()

    def watch(self, group: int, death_signal: signal.Signals) -> None:
        """From now on the group gets `death_signal` when we are gone."""
        self._watched[group] = death_signal
        self._tell(group, death_signal)

    def forget(self, group: int) -> None:
        """The group has ended by itself."""
        if self._watched.pop(group, None):
            self._tell(group, 0)

    def _tell(self, group: int, death_signal: int) -> None:
        os.write(self._write_end, f"{group} {death_signal:d}\n".encode())

    async def _keep_helper(self) -> None:
        while True:
            code = await self._helper.wait()
            self._helper = await self._start_helper()
            for group, death_signal in self._watched.items():
                self._tell(group, death_signal)
            self._console.say(f"guard {how_it_ended(code)}, restarted")

    async def _start_helper(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", end_orphans.__file__, stdin=self._read_end, cwd="/", start_new_session=True
        )
