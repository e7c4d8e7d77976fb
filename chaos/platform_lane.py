"""The platform with every part in the hands of whoever wants to break it: processes to kill, links to cut."""

import asyncio
import os
import signal
import subprocess
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import IO

import httpx
from fault_proxy import FaultProxy
from platform_clock import JumpingClock

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "e2e"))
from running_platform import Platform

from local_stack.embedded.postgres import Postgres
from local_stack.embedded.valkey import Valkey
from local_stack.launch import Launch
from local_stack.parts import AUTH, CATALOG, GATEWAY, ISIN, REWARDS, SERVICES, WEB, Site
from local_stack.ports import free_ports
from local_stack.secrets_store import SecretsStore
from local_stack.settings import Settings

READY_SECONDS = 30
"""After a fault has ended, all parts are ready again within this."""
START_SECONDS, RESTART_SECONDS, STOP_SECONDS = 120.0, 0.1, 8.0
BEHIND = (AUTH, CATALOG, REWARDS, ISIN, WEB)
STORES = ("postgres", "valkey")
WORKERS = ("isin-worker", "rewards-worker")
PARTS = tuple(service.name for service in SERVICES) + WORKERS


class Part:
    """One process, which is started again at once when it ends by itself."""

    def __init__(self, name: str, launch: Launch, log: IO[bytes]) -> None:
        self.name = name
        self._launch = launch
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._kept: asyncio.Task[None] | None = None

    def replace(self, launch: Launch) -> None:
        """Run this when it is started the next time."""
        self._launch = launch

    @property
    def launch(self) -> Launch:
        """How it is started."""
        return self._launch

    def start(self) -> None:
        """Run it from now on."""
        self._kept = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        while True:
            self._process = await asyncio.create_subprocess_exec(
                *self._launch.argv, stdin=DEVNULL, stdout=self._log, stderr=self._log, **self._launch.options()
            )
            await self._process.wait()
            await asyncio.sleep(RESTART_SECONDS)

    async def send(self, number: signal.Signals) -> None:
        """To the process and to all that it has started. Returns when the process has ended."""
        if self._process and self._process.returncode is None:
            os.killpg(self._process.pid, number)
            await self._process.wait()

    async def end(self) -> None:
        """Run it no more."""
        if self._kept:
            self._kept.cancel()
        for number in (*self._launch.stop_signals, signal.SIGKILL):
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_SECONDS):
                    await self.send(number)
                    return


@dataclass
class Lane:
    """A platform that runs. ``url`` is its gateway."""

    var: Path
    url: str
    database_url: str
    """Of the rewards service, past the links that are cut; and the same for the superuser."""
    superuser_url: str
    valkey_url: str
    clock: JumpingClock | None = None
    """Of its services, when it can be set."""
    parts: dict[str, Part] = field(default_factory=dict)
    links: dict[str, FaultProxy] = field(default_factory=dict)

    async def is_ready(self) -> bool:
        """Whether the gateway and everything behind it say so."""
        try:
            async with httpx.AsyncClient(base_url=self.url, timeout=5) as client:
                return (await client.get("/readyz")).status_code == 200
        except httpx.HTTPError:
            return False

    async def seconds_off(self) -> float:
        """How far the clock of the platform is before ours."""
        async with httpx.AsyncClient(base_url=self.url) as client:
            theirs = parsedate_to_datetime((await client.get("/healthz")).headers["Date"])
        return (theirs - datetime.now(UTC)).total_seconds()

    async def ready_again(self, within: float = READY_SECONDS) -> float:
        """Wait until all is ready. Returns after how many seconds it was; raises TimeoutError."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.timeout(within):
            while not await self.is_ready():  # noqa: ASYNC110 - other processes become ready, which tells nobody
                await asyncio.sleep(0.05)
        return loop.time() - began


def made(var: Path) -> None:
    """A data folder with every schema, the accounts of an administrator and a reviewer, and nothing else."""
    platform = Platform(var, extra_env={"APPRAISE_DEMO": "1"}).launch()
    try:
        platform.wait_ready()
    finally:
        platform.stop()


@asynccontextmanager
async def running(var: Path, *, clock: bool = False) -> AsyncIterator[Lane]:
    """The platform of this data folder, with proxies on its links, and with a clock to be set if it can be had."""
    with ExitStack() as closing:
        jumping = JumpingClock(var.parent) if clock else None
        environment = jumping.environment() if jumping else None
        lane = _lane(var, environment or {}, closing)
        lane.clock = jumping if environment else None
        for link in lane.links.values():
            await link.serve()
        try:
            for part in lane.parts.values():
                part.start()
            await lane.ready_again(START_SECONDS)
            yield lane
        finally:
            for part in reversed(lane.parts.values()):
                await part.end()
            for link in lane.links.values():
                await link.close()


def _lane(var: Path, environment: dict[str, str], closing: ExitStack) -> Lane:
    store = SecretsStore(var / "secrets")
    names = [*STORES, *(service.name for service in BEHIND)]
    real, proxied = dict(zip(names, free_ports(len(names)), strict=True)), free_ports(len(names) + 1)
    links = {name: FaultProxy(port, real[name]) for name, port in zip(names, proxied[1:], strict=True)}
    behind = {
        f"GATEWAY_{service.name.upper()}_URL": f"http://127.0.0.1:{links[service.name].port}" for service in BEHIND
    }
    settings = Settings.read(
        {"APPRAISE_PORT": str(proxied[0]), "APPRAISE_VAR": str(var), "APPRAISE_RATE_LIMITS": "off"}
    )
    site = Site(settings, store, {**os.environ, **behind, **environment})
    site.ports |= {service.name: real[service.name] for service in BEHIND}
    postgres = closing.enter_context(Postgres(var / "postgres", real["postgres"], store.get("postgres")))
    postgres.initialise()
    valkey = Valkey(var / "valkey", real["valkey"], store.get("valkey"))
    site.postgres = closing.enter_context(Postgres(var / "postgres", links["postgres"].port, store.get("postgres")))
    site.valkey = Valkey(var / "valkey", links["valkey"].port, store.get("valkey"))
    log = closing.enter_context((var.parent / "platform.log").open("ab"))
    launches = {"postgres": postgres.launch(), "valkey": valkey.launch(), "demo-feed": site.demo_feed()}
    launches |= {service.name: site.serve(service) for service in SERVICES}
    launches |= {"isin-worker": site.launch(ISIN, "worker"), "rewards-worker": site.launch(REWARDS, "worker")}
    return Lane(
        var,
        site.url(GATEWAY),
        postgres.url("rewards", "rewards", store.get("rewards-database")),
        f"{postgres.url().rpartition('/')[0]}/rewards",
        valkey.url(),
        parts={name: Part(name, launch, log) for name, launch in launches.items()},
        links=links,
    )


@contextmanager
def small_disk(folder: Path, size: str = "256m") -> Iterator[None]:
    """A file system of its own, soon full, in the place of ``folder``. Needs root."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)  # noqa: S603, S607
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)  # noqa: S603, S607
