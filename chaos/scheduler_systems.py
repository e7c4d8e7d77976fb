"""The schedulers of the fault matrix, each with its defaults, and a stage on which one runs under a supervisor."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Any
from uuid import uuid4

import asyncpg
import psutil

import isin_worker
from isin_worker.testing import Publisher, make_list, make_row
from local_stack.embedded.for_tests import running, wait_until_ready
from local_stack.embedded.valkey import Valkey
from local_stack.ports import free_ports
from servicekit import testing

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "bench"))

from debian import unpacked  # noqa: E402 - beside this folder
from environments import place  # noqa: E402

ADAPTERS = HERE / "schedulers"
JOB_SECONDS = 2.0
AHEAD_SECONDS = 70
RESTART_SECONDS = 1.0
STOP_SECONDS = 20  # after SIGTERM, before SIGKILL

_TABLES = """
CREATE TABLE begun (job text NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TABLE effect (job text NOT NULL, sent double precision, at timestamptz NOT NULL DEFAULT clock_timestamp());
"""
_EFFECTS = """
SELECT extract(epoch FROM first.at)::float, (SELECT count(*) FROM effect WHERE effect.job = first.job)
FROM (SELECT job, min(at) AS at FROM begun GROUP BY job) AS first
"""
_PUBLISHED = """
SELECT business_date - '2026-01-01'::date, (SELECT count(*) FROM isin_change WHERE run_id = run.id) FROM run
"""
# Of the run that asks: the one that was taken last.
_FIRST_ATTEMPT = "SELECT attempts = 1 FROM run WHERE status = 'running' ORDER BY started_at DESC LIMIT 1"
_OWN_MACHINE = """
mount -t tmpfs none /mnt && cp -a /etc /mnt/etc && mount --bind /mnt/etc /etc && mkdir -p /etc/cron.d &&
mount -t tmpfs none /run && mount -t tmpfs none /var/spool && mkdir -p /var/spool/cron/crontabs &&
cp "$1" /etc/cron.d/chaos && exec "$2" -f
"""

_one_at_a_time = asyncio.Lock()  # migrations are not made for several threads


@dataclass(frozen=True)
class System:
    """How a scheduler is started: what rings, what works (the same process for some), and in which environment."""

    environment: str
    worker: tuple[str, ...]
    scheduler: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    period: int = 6
    broker: bool = True


_CELERY = {
    "worker": ("celery", "-A", "on_celery", "worker", "-c", "2"),
    "scheduler": ("celery", "-A", "on_celery", "beat", "-s", "{folder}/beat-{name}"),
}
SYSTEMS = {
    "arq": System("arq", ("arq", "on_arq.WorkerSettings")),
    "celery": System("celery", **_CELERY),
    "celery acks_late": System("celery", **_CELERY, variables={"CHAOS_ACKS_LATE": "1"}),
    "apscheduler": System("apscheduler", ("python", "on_apscheduler.py"), broker=False),
    "apscheduler stored": System(
        "apscheduler", ("python", "on_apscheduler.py"), broker=False, variables={"CHAOS_STORED": "1"}
    ),
    "cron": System("apscheduler", ("cron",), broker=False, period=60),
    "rq": System(
        "rq", ("rq", "worker", "--url", "{broker}"), ("rq", "cron", "--url", "{broker}", "on_rq.py")
    ),
    "dramatiq": System("dramatiq", ("dramatiq", "on_dramatiq", "-p", "1", "-t", "4"), ("python", "on_dramatiq.py")),
    "core": System("", ("python", "on_core.py", "worker")),
}  # fmt: skip


class _SlowPublisher(Publisher):
    """Takes as long as the job of the others, and has another list each time; it may refuse each date once."""

    seconds = JOB_SECONDS
    refuses_in = ""  # the database whose runs it refuses in their first attempt

    async def _send(self, *arguments: Any) -> None:
        if self.refuses_in and await _ask(self.refuses_in, _FIRST_ATTEMPT):
            arguments = (503, {}, b"", *arguments[3:])
        await asyncio.sleep(self.seconds)
        await super()._send(*arguments)

    def _answer_to(self, path: str, asked: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        self.content = make_list([make_row(1, f"Name {len(self.requests)}")])
        return super()._answer_to(path, asked)


@dataclass
class Stage:
    """One scheduler with a database and a broker of its own; what dies on it is started again a second later."""

    system: System
    folder: Path
    database_url: str
    valkey: Valkey
    publisher: _SlowPublisher
    raises: bool = False
    began: float = field(default_factory=time.time)
    processes: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)
    _wanted: dict[str, tuple[tuple[str, ...], dict[str, str]]] = field(default_factory=dict)
    _broker: ExitStack = field(default_factory=ExitStack)
    _phase: float = 0.0

    @property
    def is_core(self) -> bool:
        """Whether it is ours."""
        return not self.system.environment

    @property
    def bin(self) -> Path:
        """Where its programs are."""
        if self.is_core:
            return Path(sys.executable).parent
        return place(ADAPTERS / f"{self.system.environment}.txt") / "bin"

    @property
    def variables(self) -> dict[str, str]:
        """What its processes are started with."""
        ours = {
            "APPRAISE_VAR": str(self.folder),
            "ISIN_ENVIRONMENT": "test",
            "ISIN_LOG_LEVEL": "info",
            "ISIN_DATABASE_URL": self.database_url,
            "ISIN_CURSOR_SECRET": testing.TEST_SECRET,
            "ISIN_REDIS_URL": self.valkey.url(),
            "ISIN_FEED_URLS": f'{{"nse-equity": "{self.publisher.url}"}}',
            "ISIN_PRIVATE_HOSTS": '["127.0.0.1"]',
            "ISIN_SPOOL_DIR": str(self.folder / "spool"),
            "ISIN_LEASE_SECONDS": "5",
            "ISIN_BACKOFF_SECONDS": "1",
            "CHAOS_FIRST_SLOT": str(int(self.began // self.system.period)),
        }
        return {
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "PYTHONPATH": str(ADAPTERS),
            "HOME": str(self.folder),
            "CHAOS_DATABASE": self.database_url,
            "CHAOS_BROKER": self.valkey.url(),
            "CHAOS_PERIOD": str(self.system.period),
            "CHAOS_JOB_SECONDS": str(JOB_SECONDS),
            **({"CHAOS_RAISES": "1"} if self.raises else {}),
            **self.system.variables,
            **(ours if self.is_core else {}),
        }

    async def start_broker(self) -> None:
        """Start the broker, with what it remembers."""
        process = self._broker.enter_context(running(self.valkey.launch()))
        await asyncio.to_thread(wait_until_ready, self.valkey.is_ready, process)

    async def stop_broker(self) -> None:
        """Stop it, as its operator would."""
        await asyncio.to_thread(self._broker.pop_all().close)

    async def start(self, name: str, *, ahead: bool = False) -> None:
        """Start ``worker``, ``scheduler`` or another one of these with a further name, and keep it running."""
        command = self.system.scheduler if name.startswith("scheduler") else self.system.worker
        argv = tuple(part.format(folder=self.folder, name=name, broker=self.valkey.url()) for part in command)
        self._wanted[name] = (self._as_program(argv), _clock_ahead() if ahead else {})
        await self._launch(name)

    def _as_program(self, command: tuple[str, ...]) -> tuple[str, ...]:
        if command[0] != "cron":
            return (str(self.bin / command[0]), *command[1:])
        table, debian = self.folder / "table", unpacked("cron")
        lines = [f"{name}={value}\n" for name, value in self.variables.items()]
        table.write_text("".join(lines) + f"* * * * * root {self.bin}/python {ADAPTERS}/job.py\n")
        return ("unshare", "--mount", "sh", "-ec", _OWN_MACHINE, "sh", str(table), f"{debian}/usr/sbin/cron")

    async def _launch(self, name: str) -> None:
        command, more = self._wanted[name]
        with (self.folder / f"{name.replace(' ', '-')}.log").open("ab") as log:
            self.processes[name] = await asyncio.create_subprocess_exec(
                *command, env=self.variables | more, cwd=ADAPTERS, stdout=log, stderr=log, start_new_session=True
            )

    async def supervise(self) -> None:
        """Start again what ended, a second later."""
        while True:
            for name in [name for name in self._wanted if name in self.processes]:
                if self.processes[name].returncode is not None:
                    await asyncio.sleep(RESTART_SECONDS)
                    if name in self._wanted:
                        await self._launch(name)
            await asyncio.sleep(0.1)

    async def kill(self, name: str) -> None:
        """SIGKILL it with everything that it has started, as when its machine goes."""
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.processes[name].pid)
            for one in [process, *process.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    one.kill()
        with suppress(ProcessLookupError):  # what lost its parent meanwhile is still of the same group
            os.killpg(self.processes[name].pid, signal.SIGKILL)
        await self.processes[name].wait()

    async def terminate(self, name: str, *, for_good: bool = False) -> None:
        """SIGTERM it, wait as Kubernetes waits, and kill what is left."""
        if for_good:
            del self._wanted[name]
        process = self.processes[name]
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            await self.kill(name)

    async def jobs_begun(self) -> int:
        """How many jobs began so far, again or for the first time."""
        if self.is_core:
            return len(self.publisher.requests)
        return int(await _ask(self.database_url, "SELECT count(*) FROM begun"))

    async def effects(self) -> list[tuple[int, int]]:
        """For each job its slot, by when it began first, and how often it took effect."""
        connection = await asyncpg.connect(self.database_url)
        try:
            if self.is_core:
                return [(day, count) for day, count in await connection.fetch(_PUBLISHED)]
            return [(self.slot_of(at), count) for at, count in await connection.fetch(_EFFECTS)]
        finally:
            await connection.close()

    def slot_of(self, at: float) -> int:
        """Which tick of this stage a moment belongs to: ticks may be late by most of a period, and never early."""
        slack = 0.0 if self.is_core else self._phase - 0.25 * self.system.period
        return int((at - slack) // self.system.period) - int(self.began // self.system.period)

    async def find_phase(self) -> None:
        """Learn when in a period this scheduler ticks."""
        if not self.is_core:
            first = await _ask(self.database_url, "SELECT extract(epoch FROM min(at))::float FROM begun")
            self._phase = first % self.system.period


async def _ask(url: str, query: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def _last_words(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text()[-500:] for path in folder.glob("*.log")}


def _clock_ahead() -> dict[str, str]:
    """For a process whose clock is fast."""
    debian = unpacked("libfaketime")
    if debian is None:
        raise RuntimeError("apt-get does not get libfaketime on this machine")
    (library,) = debian.rglob("libfaketimeMT.so.1")
    return {"LD_PRELOAD": str(library), "FAKETIME": f"+{AHEAD_SECONDS}s", "DONT_FAKE_MONOTONIC": "1"}


@asynccontextmanager
async def stage(system: System, folder: Path, *, raises: bool = False) -> AsyncIterator[Stage]:
    """A stage with a database and a broker; the servers' superuser is ``APPRAISE_TEST_POSTGRES_URL``'s."""
    (port,) = free_ports(1)
    async with AsyncExitStack() as closing:
        publisher = await closing.enter_async_context(_SlowPublisher().serving())
        name = f"chaos_{uuid4().hex[:12]}"
        async with _one_at_a_time:
            url = await testing.create_database(isin_worker.__file__, name)
        publisher.refuses_in = url if raises else ""
        connection = await asyncpg.connect(url)
        await connection.execute(_TABLES)
        await connection.close()
        valkey = Valkey(folder / "valkey", port, token_hex(16))
        opened = Stage(system, folder, url, valkey, publisher, raises)
        if system.broker:
            await opened.start_broker()
            closing.push_async_callback(opened.stop_broker)
        supervisor = asyncio.create_task(opened.supervise())
        try:
            yield opened
        except TimeoutError as error:
            raise RuntimeError(f"no job began: {_last_words(folder)}") from error
        finally:
            supervisor.cancel()
            with suppress(asyncio.CancelledError, subprocess.SubprocessError):
                await supervisor
            for name in list(opened.processes):
                await opened.kill(name)
