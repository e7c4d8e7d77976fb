"""The platform with every part in the hands of whoever wants to break it: processes to kill, links to cut."""

import asyncio
import json
import os
import re
import shutil
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
from arq import create_pool
from arq.jobs import JobStatus
from fault_proxy import FaultProxy
from platform_clock import JumpingClock
from pydantic import SecretStr
from redis.exceptions import RedisError

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "e2e"))
from running_platform import Platform

from isin_worker.jobs import BELL as ISIN_BELL
from local_stack.embedded.postgres import Postgres
from local_stack.embedded.valkey import Valkey
from local_stack.launch import Launch
from local_stack.parts import ISIN, REWARDS, SERVICES, Service, Site
from local_stack.ports import free_ports
from local_stack.secrets_store import SecretsStore
from local_stack.settings import Settings
from rewards_service.jobs import BELL as REWARDS_BELL
from servicekit.jobs import Bell, dump, redis_settings

START_SECONDS, RESTART_SECONDS, STOP_SECONDS = 300.0, 0.1, 8.0
WORKERS = {"isin-worker": (ISIN, ISIN_BELL), "rewards-worker": (REWARDS, REWARDS_BELL)}
MOST_LINKS = 40
PARTS = (*(service.name for service in SERVICES), *WORKERS)
SOON = {"ISIN_LEASE_SECONDS": "15", "ISIN_BACKOFF_SECONDS": "1"}
"""What a killed worker had in hand is taken up by the next one while somebody still looks."""
_ADDRESS = re.compile(r"(?P<before>[a-z]+://(?:[^@/]*@)?127\.0\.0\.1:)(?P<port>\d+)(?P<after>.*)")
_ONLY_NAMES = {"AUTH_WEB_URL"}
"""Addresses that are shown to people and asked by nobody."""


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
    """A platform that runs. ``url`` is its gateway, by way of a link that can be cut."""

    var: Path
    url: str
    database_url: str
    """Of the rewards service, past the links that are cut; and the same for the superuser."""
    superuser_url: str
    isin_database_url: str
    valkey: Valkey
    clock: JumpingClock | None = None
    """Of its services, when it is to be set."""
    own_disk: bool = False
    """Whether its files are on a small file system of their own."""
    parts: dict[str, Part] = field(default_factory=dict)
    links: dict[str, FaultProxy] = field(default_factory=dict)
    """By who asks whom: ``rewards>catalog``."""

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

    async def ready_again(self, within: float) -> float:
        """Wait until all is ready and each worker does what it is asked. Returns after how many seconds that was.

        Raises TimeoutError.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.timeout(within):
            await asyncio.gather(self._ready(), *(self._works(*worker) for worker in WORKERS.values()))
        return loop.time() - began

    async def _ready(self) -> None:
        while not await self.is_ready():  # noqa: ASYNC110 - other processes become ready, which tells nobody
            await asyncio.sleep(0.05)

    async def _works(self, service: Service, bell: Bell) -> None:
        """Ring, and wait until that has been heeded, which only a worker that lives does."""
        url = SecretStr(self.valkey.url(service.valkey_database or 0))
        while True:
            try:
                async with await create_pool(
                    redis_settings(url, retries=0),
                    default_queue_name=bell.queue,
                    job_serializer=dump,
                    job_deserializer=json.loads,
                ) as pool:
                    job = await pool.enqueue_job(bell.job)
                    while job and await job.status() != JobStatus.not_found:  # noqa: ASYNC110 - as above
                        await asyncio.sleep(0.05)
                    return
            except (OSError, RedisError):  # the store is not back yet
                await asyncio.sleep(0.05)


def made(var: Path) -> None:
    """A data folder with every schema, the accounts of an administrator and a reviewer, and nothing else."""
    platform = Platform(var, extra_env={"APPRAISE_DEMO": "1"}).launch()
    try:
        platform.wait_ready()
    finally:
        platform.stop()


@asynccontextmanager
async def running(var: Path, *, clock: bool = False, own_disk: bool = False) -> AsyncIterator[Lane]:
    """The platform of this data folder, with proxies on its links, and with a clock to be set."""
    with ExitStack() as closing:
        jumping = JumpingClock(var.parent) if clock else None
        small = closing.enter_context(small_disk(var / "blobs")) if own_disk else False
        lane = _lane(var, jumping.environment() if jumping else {}, closing)
        lane.clock, lane.own_disk = jumping, small
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
    names = ["postgres", "valkey", "demo-feed", *(service.name for service in SERVICES)]
    found = iter(free_ports(len(names) + MOST_LINKS))  # all at once: two calls may find the same
    ports = {name: next(found) for name in names}
    postgres = closing.enter_context(Postgres(var / "postgres", ports["postgres"], store.get("postgres")))
    postgres.initialise()
    valkey = Valkey(var / "valkey", ports["valkey"], store.get("valkey"))
    settings = Settings.read(
        {"APPRAISE_PORT": str(ports["gateway"]), "APPRAISE_VAR": str(var), "APPRAISE_RATE_LIMITS": "off"}
    )
    site = Site(settings, store, {**os.environ, **SOON, **environment}, postgres, valkey)
    site.ports |= {name: ports[name] for name in site.ports}
    links = _put_links(site, ports, found)
    log = closing.enter_context((var.parent / "platform.log").open("ab"))
    launches = {"postgres": postgres.launch(), "valkey": valkey.launch(), "demo-feed": site.demo_feed()}
    launches |= {service.name: site.serve(service) for service in SERVICES}
    launches |= {name: site.launch(service, "worker") for name, (service, _) in WORKERS.items()}
    return Lane(
        var,
        f"http://127.0.0.1:{links['people>gateway'].port}",
        postgres.url("rewards", "rewards", store.get("rewards-database")),
        f"{postgres.url().rpartition('/')[0]}/rewards",
        postgres.url("isin", "isin", store.get("isin-database")),
        valkey,
        parts={name: Part(name, launch, log) for name, launch in launches.items()},
        links=links,
    )


def _put_links(site: Site, ports: dict[str, int], found: Iterator[int]) -> dict[str, FaultProxy]:
    """A proxy between every two parts that talk, and each part told to ask by way of it."""
    names = {str(port): name for name, port in ports.items()}
    links = {"people>gateway": FaultProxy(next(found), ports["gateway"])}
    told = {}
    for service in SERVICES:
        for setting, value in site.settings_of(service).items():
            address = _ADDRESS.match(value) if setting.endswith("_URL") else None
            if address and address["port"] in names and setting not in _ONLY_NAMES:
                name = f"{service.name}>{names[address['port']]}"
                if name not in links:
                    links[name] = FaultProxy(next(found), int(address["port"]))
                told[setting] = f"{address['before']}{links[name].port}{address['after']}"
    site.environment = {**site.environment, **told}
    return links


@contextmanager
def small_disk(folder: Path, size: str = "256m") -> Iterator[bool]:
    """A file system of its own, soon full, in the place of ``folder``; false where nobody may have one."""
    folder.mkdir(exist_ok=True)
    mount = [shutil.which("mount") or "false", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]
    mounted = subprocess.run(mount, check=False, stderr=subprocess.DEVNULL).returncode == 0  # noqa: S603 - our own
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", folder], check=True)  # noqa: S603, S607
