"""The processes of a test that ring bells, and what must come of their rings: one run."""

import asyncio
import os
import shlex
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from isin_worker.testing import Publisher, eventually, make_list, make_row

SCHEDULERS = Path(__file__).parents[1]
FEED, ROWS = "nse-equity", 9
BUSY = "somebody else is at it"
INSTALLED, SETTINGS = "/opt/appraise/.venv/bin", "/etc/appraise/isin-worker.env"  # where the files here say they are


class Bells:
    """The processes of one test, what they say, and what came of their rings."""

    def __init__(self, environment: dict[str, str], folder: Path, db: asyncpg.Connection, publisher: Publisher) -> None:
        self.environment, self.folder, self.db, self.publisher = environment, folder, db, publisher
        self._log = folder / "log"

    def placed(self, name: str) -> str:
        """The text of a file of this folder, with this test's places instead of those of an installation."""
        settings = self.folder / "isin-worker.env"
        settings.write_text("".join(f"{key}={shlex.quote(value)}\n" for key, value in self.environment.items()))
        text = (SCHEDULERS / name).read_text().replace(SETTINGS, str(settings)).replace("User=appraise\n", "")
        return text.replace(INSTALLED, str(Path(sys.executable).parent)).replace("/var/log/appraise", str(self.folder))

    @asynccontextmanager
    async def process(self, *argv: str | Path, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """A process in a group of its own, which is gone after the block."""
        with self._log.open("ab") as log:
            started = await asyncio.create_subprocess_exec(
                *argv, env=self.environment | environment, cwd=self.folder, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        try:
            yield started
        finally:
            if started.returncode is None:
                os.killpg(started.pid, signal.SIGKILL)
            await started.wait()

    async def said(self, words: str, times: int = 1) -> None:
        """Wait until the processes said it so often."""

        async def is_said() -> bool:
            return self.said_so_far().count(words) >= times

        try:
            await eventually(is_said)
        except TimeoutError:
            pytest.fail(f"nobody said {words!r}:\n{self.said_so_far()[-4000:]}")

    def said_so_far(self) -> str:
        """All that the processes said, to a log file of their own as well."""
        return "".join(path.read_text() for path in (self._log, self.folder / "isin-worker.log") if path.exists())

    def hold(self) -> None:
        """From now on a download waits in its middle, so that a second ring meets it."""
        self.publisher.content = make_list(make_row(number) for number in range(ROWS))
        self.publisher.held = asyncio.Event()

    def let_go(self) -> None:
        """The download ends, and so do later ones."""
        assert self.publisher.held is not None
        self.publisher.held.set()
        self.publisher.held = None

    async def done(self) -> None:
        """Wait until the run is done."""

        async def is_done() -> bool:
            return await self.db.fetchval("SELECT count(*) = 1 FROM run WHERE status = 'succeeded'") is True

        await eventually(is_done)

    async def one_run(self) -> None:
        """Of all rings so far one run came, in one attempt, with one download, and its rows once in the history."""
        runs = await self.db.fetch("SELECT status, attempts, added FROM run")
        assert [tuple(run) for run in runs] == [("succeeded", 1, ROWS)]
        assert len(self.publisher.requests) == 1
        assert await self.db.fetchval("SELECT count(*) FROM isin_change") == ROWS

    async def two_at_once(self, first: list[str | Path], second: list[str | Path]) -> None:
        """Ring twice, the second time while the first one's download is held; then let it go: one run."""
        self.hold()
        async with self.process(*first) as one, self.process(*second) as other:
            await self.said(BUSY)
            self.let_go()
            codes = sorted([await asyncio.wait_for(bell.wait(), 120) for bell in (one, other)])
        assert codes == [0, 75]
        await self.one_run()
