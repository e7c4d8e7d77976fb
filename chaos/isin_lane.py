"""A lane of its own for trials of the ISIN service: Postgres, Valkey, a publisher, and workers to be killed."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

import asyncpg
from pydantic import SecretStr

import isin_worker
from isin_worker.compose import open_reconciler
from isin_worker.jobs import BELL
from isin_worker.settings import Settings
from isin_worker.testing import Publisher, make_list, make_row
from local_stack.embedded.for_tests import running, wait_until_ready
from local_stack.embedded.postgres import Postgres
from local_stack.embedded.valkey import Valkey
from local_stack.ports import free_ports
from servicekit import testing
from servicekit.jobs import ArqRinger

FEED = "nse-equity"
ROWS = 3000
SKEWED = "import chaos_clock; from isin_worker.cli import main; main()"

OLD = make_list(make_row(number) for number in range(ROWS))
"""Yesterday's list."""
NEW = make_list(make_row(number, "Renamed" if number < 20 else None) for number in range(10, ROWS + 5))
"""Today's: ten are gone, ten have another name, five are new."""
DIFFERENCE = {"removed": 10, "changed": 10, "added": 5}

STATE = "SELECT md5(string_agg(isin || name, ',' ORDER BY isin)) FROM listing WHERE last_seen IS NULL"


@dataclass
class Lane:
    """What one trial after another runs on."""

    folder: Path
    postgres: Postgres
    valkey: Valkey
    publisher: Publisher
    database_url: str = ""
    old: str = ""  # the digest of yesterday's list
    seen: set[str | None] = field(default_factory=set)  # of what readers saw
    workers: list[asyncio.subprocess.Process] = field(default_factory=list)
    _servers: dict[str, ExitStack] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What a worker is started with: short leases, quick retries."""
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]),
            "APPRAISE_VAR": str(self.folder),
            "ISIN_ENVIRONMENT": "test",
            "ISIN_DATABASE_URL": self.database_url,
            "ISIN_CURSOR_SECRET": testing.TEST_SECRET,
            "ISIN_REDIS_URL": self.valkey.url(),
            "ISIN_FEED_URLS": f'{{"{FEED}": "{self.publisher.url}"}}',
            "ISIN_SPOOL_DIR": str(self.folder / "spool"),
            "ISIN_LEASE_SECONDS": "2",
            "ISIN_FETCH_SECONDS": "2",
            "ISIN_BACKOFF_SECONDS": "0.05",
            "ISIN_MAX_ATTEMPTS": "100",
        }

    async def start(self, server: str) -> None:
        """Start ``postgres`` or ``valkey``."""
        instance: Postgres | Valkey = getattr(self, server)
        stack = ExitStack()
        process = stack.enter_context(running(instance.launch()))
        self._servers[server] = stack
        await asyncio.to_thread(wait_until_ready, instance.is_ready, process)

    async def stop(self, server: str) -> None:
        """Stop it, as its operator would."""
        stack = self._servers.pop(server)
        await asyncio.to_thread(stack.close)

    async def add_worker(self, *, ahead: bool = False) -> asyncio.subprocess.Process:
        """Start a worker; with ``ahead`` its clock is 70 seconds fast."""
        command = ["-c", SKEWED, "worker"] if ahead else ["-m", "isin_worker", "worker"]
        with (self.folder / "worker.log").open("ab") as log:
            worker = await asyncio.create_subprocess_exec(
                sys.executable, *command, env=self.environment, stdout=log, stderr=log
            )
        self.workers.append(worker)
        return worker

    async def end_workers(self) -> None:
        """Kill those that still live."""
        for worker in self.workers:
            with suppress(ProcessLookupError):
                worker.send_signal(signal.SIGKILL)
            await worker.wait()
        self.workers.clear()

    async def ring(self) -> None:
        """Ask for a reconciliation, as the API does."""
        bell = ArqRinger(SecretStr(self.valkey.url()), BELL)
        await bell.ring()
        await bell.close()

    async def ask(self, query: str, *values: object) -> object:
        """One value from the database."""
        connection = await asyncpg.connect(self.database_url, timeout=5)
        try:
            return await connection.fetchval(query, *values)
        finally:
            await connection.close()

    async def reset(self) -> None:
        """Yesterday's list stands, today's is due, and the publisher has it."""
        await testing.empty_tables(self.database_url)
        self.publisher.reset()
        self.publisher.content = OLD
        await self.reconcile()
        await self.ask("UPDATE run SET business_date = business_date - 1")
        await self.ask("UPDATE publication SET business_date = business_date - 1")
        await self.ask("UPDATE listing SET first_seen = first_seen - 1")
        self.old = str(await self.ask(STATE))
        self.seen = set()
        self.publisher.reset()
        self.publisher.content = NEW

    async def reconcile(self) -> None:
        """Reconcile in this process."""
        with environment_of(self.environment):
            settings = Settings()
        async with AsyncExitStack() as stack:
            await (await open_reconciler(settings, stack)).reconcile()

    async def watch(self) -> None:
        """Read, as a client would, whenever the database answers; remember each state that was seen."""
        while True:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                connection = await asyncpg.connect(self.database_url, timeout=5)
                try:
                    while True:
                        self.seen.add(await connection.fetchval(STATE))
                        await asyncio.sleep(0.05)
                finally:
                    connection.terminate()
            await asyncio.sleep(0.05)


@asynccontextmanager
async def lane() -> AsyncIterator[Lane]:
    """A lane with its servers running and a database at head."""
    with tempfile.TemporaryDirectory(prefix="appraise-chaos-") as name, ExitStack() as closing:
        folder = Path(name)
        postgres_port, valkey_port = free_ports(2)
        postgres = closing.enter_context(Postgres(folder / "postgres", postgres_port, token_hex(16), throwaway=True))
        await asyncio.to_thread(postgres.initialise)
        valkey = Valkey(folder / "valkey", valkey_port, token_hex(16), throwaway=True)
        async with Publisher().serving() as publisher:
            opened = Lane(folder, postgres, valkey, publisher)
            try:
                await opened.start("postgres")
                await opened.start("valkey")
                with environment_of({"APPRAISE_TEST_POSTGRES_URL": postgres.url()}):
                    opened.database_url = await testing.create_database(isin_worker.__file__, "chaos")
                yield opened
            finally:
                await opened.end_workers()
                for server in ("valkey", "postgres"):
                    with suppress(KeyError, subprocess.SubprocessError):
                        await opened.stop(server)


@contextmanager
def environment_of(values: dict[str, str]) -> Iterator[None]:
    """These variables for the length of the block, which must not wait for anything but a thread."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
