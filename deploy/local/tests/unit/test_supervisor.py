"""Processes kept running: what is said, when they come back, how they end. The processes are real and small."""

import asyncio
import io
import os
import sys
import time
from collections.abc import AsyncIterator

import psutil
import pytest

from local_stack.console import Console
from local_stack.guard import Guard
from local_stack.launch import Launch
from local_stack.supervisor import Supervisor

STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
POLITE = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('leaving', flush=True)))
print('here', flush=True)
signal.pause()
"""


def python(code: str) -> Launch:
    return Launch(argv=(sys.executable, "-c", code), env=dict(os.environ))


class Log(io.StringIO):
    """A console's output that can be waited for."""

    async def shows(self, text: str, *, times: int = 1) -> None:
        async with asyncio.timeout(10):
            while self.getvalue().count(text) < times:  # noqa: ASYNC110 - the writer is a console, it knows no event
                await asyncio.sleep(0.01)

    @property
    def lines(self) -> list[str]:
        return self.getvalue().splitlines()


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
async def supervisor(log: Log) -> AsyncIterator[Supervisor]:
    console = Console(log)
    async with Guard(console) as guard:
        supervisor = Supervisor(console, guard)
        yield supervisor
        supervisor.kill()
        await supervisor.stop()


async def test_every_line_is_led_by_who_said_it(supervisor: Supervisor, log: Log) -> None:
    code = "import sys; print('one'); print('two', file=sys.stderr); sys.stdout.write('no newline')"
    assert await supervisor.run("auth", python(code)) == 0
    await log.shows("no newline")
    assert sorted(log.lines) == ["auth      | no newline", "auth      | one", "auth      | two"]


async def test_what_a_process_prints_cannot_steer_the_terminal(supervisor: Supervisor, log: Log) -> None:
    await supervisor.run("web", python(r"import os; os.write(1, b'\x1b[2Jgone\x9b\x07 caf\xc3\xa9 \xff\n')"))
    await log.shows("caf")
    assert log.lines == ["web       | \\x1b[2Jgone\ufffd\\x07 caf\xe9 \ufffd"]


async def test_a_line_without_an_end_is_shown_in_pieces(supervisor: Supervisor, log: Log) -> None:
    await supervisor.run("web", python("print('x' * 300_000)"))
    await log.shows("x", times=300_000)
    assert all(line.startswith("web       | x") for line in log.lines)


async def test_a_part_that_keeps_ending_is_started_later_each_time(supervisor: Supervisor, log: Log) -> None:
    supervisor.keep("rewards", python("raise SystemExit(3)"), stage=1)
    await log.shows("restarting in 2 s")
    assert log.lines == [
        "stack     | rewards exited with code 3, restarting in 0.5 s",
        "stack     | rewards exited with code 3, restarting in 1 s",
        "stack     | rewards exited with code 3, restarting in 2 s",
    ]


async def test_a_program_that_is_not_there_is_told(supervisor: Supervisor, log: Log) -> None:
    supervisor.keep("valkey", Launch(argv=("/nowhere/valkey-server",)), stage=0)
    await log.shows("valkey could not be started (No such file or directory), restarting in 0.5 s")


async def test_stages_end_from_the_highest_to_the_lowest(supervisor: Supervisor, log: Log) -> None:
    for stage, name in enumerate(("postgres", "catalog", "gateway")):
        supervisor.keep(name, python(POLITE), stage=stage)
    await log.shows("| here", times=3)
    await supervisor.stop()
    await log.shows("| leaving", times=3)
    assert [line.split()[0] for line in log.lines if "leaving" in line] == ["gateway", "catalog", "postgres"]


async def test_a_part_that_does_not_listen_is_ended_all_the_same(supervisor: Supervisor, log: Log) -> None:
    supervisor.keep("catalog", python(STUBBORN), stage=1)
    await log.shows("deaf")
    asked = time.monotonic()
    await supervisor.stop()
    assert time.monotonic() - asked < 4
    assert "restarting" not in log.getvalue()


async def test_a_stop_in_the_pause_before_a_restart_starts_nothing(supervisor: Supervisor, log: Log) -> None:
    supervisor.keep("catalog", python("print('started')"), stage=1)
    await log.shows("restarting")
    await supervisor.stop()
    assert log.getvalue().count("started") == 1


async def test_what_a_crashed_part_had_started_ends_with_it(supervisor: Supervisor, log: Log) -> None:
    code = "import os, subprocess; print('child', subprocess.Popen(['sleep', '1000']).pid, flush=True); os.abort()"
    assert await supervisor.run("rewards", python(code)) < 0
    await log.shows("child")
    child = int(log.getvalue().split()[-1])
    async with asyncio.timeout(5):
        while psutil.pid_exists(child):  # noqa: ASYNC110 - the kernel offers no event for somebody else's child
            await asyncio.sleep(0.01)


async def test_a_cancelled_command_is_ended(supervisor: Supervisor, log: Log) -> None:
    migration = asyncio.create_task(supervisor.run("auth", python(STUBBORN)))
    await log.shows("deaf")
    migration.cancel()
    with pytest.raises(asyncio.CancelledError):
        await migration


async def test_a_command_reads_what_it_is_fed(supervisor: Supervisor, log: Log) -> None:
    assert await supervisor.run("auth", python("print(input().upper())"), feed=b"word\n") == 0
    await log.shows("WORD")
