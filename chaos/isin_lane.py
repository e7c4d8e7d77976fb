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
from datetime import date, datetime, timedelta
from pathlib import Path
from secrets import token_hex

import asyncpg
from pydantic import SecretStr

import isin_worker
from isin_worker.compose import open_reconciler
from isin_worker.feeds import declared_feeds
from isin_worker.jobs import BELL
from isin_worker.schedule import current_date
from isin_worker.settings import Settings
from isin_worker.testing import Publisher, Served, make_list, make_row
from isin_worker.testing.firds import make_changes, make_full, make_record
from isin_worker.testing.register import FirdsRegister
from local_stack.embedded.for_tests import running, wait_until_ready
from local_stack.embedded.postgres import Postgres
from local_stack.embedded.valkey import Valkey
from local_stack.ports import free_ports
from servicekit import logs, testing
from servicekit.jobs import ArqRinger

FEED = "nse-equity"
CHECKED_FEED = "esma-firds"
"""A feed whose publisher lists the checksums of its files."""
ROWS = 3000
MAIN = "from isin_worker.cli import main; main()"

OLD = make_list(make_row(number) for number in range(ROWS))
"""Yesterday's list."""
NEW = make_list(make_row(number, "Renamed" if number < 20 else None) for number in range(10, ROWS + 5))
"""Today's: ten are gone, ten have another name, five are new."""
DIFFERENCE = {"removed": 10, "changed": 10, "added": 5}
OLD_RECORDS = make_full(make_record(number) for number in range(ROWS))
NEW_RECORDS = make_changes(
    [
        *(("terminated", make_record(number)) for number in range(10)),
        *(("modified", make_record(number, name="Renamed")) for number in range(10, 20)),
        *(("new", make_record(number)) for number in range(ROWS, ROWS + 5)),
    ]
)

STATE = "SELECT md5(string_agg(isin || name, ',' ORDER BY isin)) FROM listing WHERE last_seen IS NULL"


@dataclass
class Lane:
    """What one trial after another runs on."""

    folder: Path
    postgres: Postgres
    valkey: Valkey
    publisher: Publisher
    defect: str = ""  # what is planted in the workers
    database_url: str = ""
    feed: str = FEED
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
            "ISIN_FEEDS": f'["{self.feed}"]',
            "ISIN_FEED_URLS": f'{{"{FEED}": "{self.publisher.url}", "{CHECKED_FEED}": "{self.register_url}"}}',
            "ISIN_FIRDS_CATEGORIES": "E",
            "ISIN_PRIVATE_HOSTS": '["127.0.0.1"]',
            "ISIN_SPOOL_DIR": str(self.folder / "spool"),
            "ISIN_LEASE_SECONDS": "2",
            "ISIN_FETCH_SECONDS": "2",
            "ISIN_BACKOFF_SECONDS": "0.05",
            "ISIN_MAX_ATTEMPTS": "100",
            "CHAOS_DEFECT": self.defect,
        }

    @property
    def register_url(self) -> str:
        """Where the files of the feed with checksums are listed."""
        return self.publisher.url_of("/select")

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
        modules = [*(["chaos_clock"] if ahead else []), *(["chaos_defects"] if self.defect else [])]
        command = ["-c", "; ".join([*(f"import {module}" for module in modules), MAIN]), "worker"]
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
        self.feed = FEED
        self.publisher.content = OLD
        await self.reconcile()
        await self.ask("UPDATE run SET business_date = business_date - 1")
        await self.ask("UPDATE publication SET business_date = business_date - 1")
        await self.ask("UPDATE listing SET first_seen = first_seen - 1")
        self.old = str(await self.ask(STATE))
        self.seen = set()
        self.publisher.reset()
        self.publisher.content = NEW

    async def reset_checked(self) -> Served:
        """The same of the feed with checksums; the file of today's changes."""
        await testing.empty_tables(self.database_url)
        self.publisher.reset()
        self.feed = CHECKED_FEED
        register = FirdsRegister(self.publisher)
        today = await self.today()
        register.add("FULINS_E", today - timedelta(days=1), OLD_RECORDS)
        await self.reconcile(day=today - timedelta(days=1))
        self.old = str(await self.ask(STATE))
        self.seen = set()
        return register.add("DLTINS", today, NEW_RECORDS)

    async def today(self) -> date:
        """The business date that is due."""
        now = await self.ask("SELECT now()")
        assert isinstance(now, datetime)  # noqa: S101 - it is what was asked for
        return current_date(declared_feeds()[self.feed], now)

    async def reconcile(self, *, day: date | None = None, force: bool = False) -> None:
        """Reconcile in this process."""
        with environment_of(self.environment):
            settings = Settings()
        logs.configure("isin_worker", settings.model_copy(update={"log_level": "error"}))  # the table is what is read
        async with AsyncExitStack() as stack:
            await (await open_reconciler(settings, stack)).reconcile(day=day, force=force)

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
async def lane(defect: str = "") -> AsyncIterator[Lane]:
    """A lane with its servers running and a database at head."""
    with tempfile.TemporaryDirectory(prefix="appraise-chaos-") as name, ExitStack() as closing:
        folder = Path(name)
        postgres_port, valkey_port = free_ports(2)
        postgres = closing.enter_context(Postgres(folder / "postgres", postgres_port, token_hex(16), throwaway=True))
        await asyncio.to_thread(postgres.initialise)
        valkey = Valkey(folder / "valkey", valkey_port, token_hex(16), throwaway=True)
        async with Publisher().serving() as publisher:
            opened = Lane(folder, postgres, valkey, publisher, defect)
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
