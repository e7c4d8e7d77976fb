"""The whole platform from start to end: what comes before what, and why.

Servers first, because everything stores there; schemas before services, because a service refuses to start behind its
newest revision; accounts need only the schema, so they are made while the services start; demo apps go through the
gateway, so they come last. The end is the other way round: no new requests, then no workers, then no stores.
"""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

from local_stack import demo_apps, parts
from local_stack.accounts import accounts_were_printed, ensure_accounts, password_of
from local_stack.console import Console
from local_stack.databases import ensure_databases, fingerprint
from local_stack.embedded.postgres import Postgres
from local_stack.embedded.valkey import Valkey
from local_stack.guard import Guard
from local_stack.migrations import migrate_all
from local_stack.parts import GATEWAY, ISIN, REWARDS, SERVICES, Site
from local_stack.ports import free_ports
from local_stack.preflight import CannotStart
from local_stack.probe import answers_ok
from local_stack.remembered import Remembered
from local_stack.supervisor import Supervisor

EXIT_INTERRUPTED = 130  # as shells have it: 128 and the number of SIGINT
_SERVER_PATIENCE_S = 120.0  # recovery after a crash of the machine can take a while
_SERVICE_PATIENCE_S = 180.0  # a first start on a slow machine compiles every module
_ASK_EVERY_S = 0.05
_STORES, _SERVICES, _DOOR = range(3)  # stages of the stop, the last first

Check = Callable[[], Awaitable[bool]]


async def run_stack(site: Site, console: Console) -> int:
    """Runs until SIGINT, SIGTERM or SIGHUP; a second SIGINT ends everything at once. Gives the exit code.

    Raises CannotStart when it does not come up; nothing runs any more then.
    """
    stop_asked, hurry_asked = asyncio.Event(), asyncio.Event()
    with ExitStack() as closing:
        async with Guard(console) as guard:
            supervisor = Supervisor(console, guard)

            def on_signal(number: signal.Signals) -> None:
                if not stop_asked.is_set():
                    console.say("stopping")
                    stop_asked.set()
                elif number == signal.SIGINT:
                    hurry_asked.set()
                    supervisor.kill()

            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(number, on_signal, number)
            try:
                await _until(stop_asked, _start(site, supervisor, console, closing))
                await stop_asked.wait()
            finally:
                await supervisor.stop()
    console.say("killed" if hurry_asked.is_set() else "stopped")
    return EXIT_INTERRUPTED if hurry_asked.is_set() else 0


async def _until(stop_asked: asyncio.Event, start_up: Coroutine[Any, Any, None]) -> None:
    """Lets the start-up run to its end, or cancels it when the stop comes first."""
    starting = asyncio.ensure_future(start_up)
    stopping = asyncio.create_task(stop_asked.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not starting.done():
        starting.cancel()
        await asyncio.wait({starting})
    if not starting.cancelled():
        starting.result()


async def _start(site: Site, supervisor: Supervisor, console: Console, closing: ExitStack) -> None:
    remembered = Remembered(site.settings.var / "run" / "remembered.json")
    await _start_stores(site, supervisor, console, closing)
    await _ensure_databases(site, remembered)
    parts.write_environment_files(site)
    closing.callback(parts.remove_environment_files, site)
    await migrate_all(site, supervisor, remembered)
    _start_services(site, supervisor)
    new_accounts = await ensure_accounts(site, supervisor, remembered)
    await _wait_for_services(site, supervisor)
    if site.settings.demo:
        await demo_apps.fill(site, console, remembered)
    for line in _welcome(site, with_accounts=new_accounts):
        console.plain(line)
    accounts_were_printed(site, remembered)


async def _start_stores(site: Site, supervisor: Supervisor, console: Console, closing: ExitStack) -> None:
    var, secrets = site.settings.var, site.secrets
    postgres_port, valkey_port = free_ports(2)
    servers: list[Postgres | Valkey] = []
    if parts.needs_valkey(site.environment):
        site.valkey = Valkey(var / "valkey", valkey_port, secrets.get("valkey"))
        supervisor.keep("valkey", site.valkey.launch(), stage=_STORES)
        servers.append(site.valkey)
    if parts.needs_postgres(site.environment):
        postgres = closing.enter_context(Postgres(var / "postgres", postgres_port, secrets.get("postgres")))
        if await asyncio.to_thread(postgres.initialise):
            console.say(f"made a new PostgreSQL data folder in {postgres.data}")
        site.postgres = postgres
        supervisor.keep("postgres", postgres.launch(), stage=_STORES)
        servers.append(postgres)
    await _wait_for({type(server).__name__: server.is_ready for server in servers}, _SERVER_PATIENCE_S, supervisor)


async def _ensure_databases(site: Site, remembered: Remembered) -> None:
    passwords = {service.name: site.secrets.get(f"{service.name}-database") for service in SERVICES if service.database}
    done = fingerprint(site.data_fingerprint(), *passwords)
    if site.postgres and not remembered.has("databases", done):
        await ensure_databases(site.postgres.url(), passwords)
        remembered.put("databases", done)


def _start_services(site: Site, supervisor: Supervisor) -> None:
    for folder in ("mail", "blobs", "icons", "spool"):
        (site.settings.var / folder).mkdir(mode=0o700, exist_ok=True)
    if site.settings.demo:
        supervisor.keep("demo-feed", site.demo_feed(), stage=_SERVICES)
    for service in SERVICES:
        supervisor.keep(service.name, site.serve(service), stage=_DOOR if service is GATEWAY else _SERVICES)
    supervisor.keep("worker", site.launch(ISIN, "worker"), stage=_SERVICES)
    supervisor.keep("sweeper", site.launch(REWARDS, "worker"), stage=_SERVICES)


async def _wait_for_services(site: Site, supervisor: Supervisor) -> None:
    # The gateway's readiness names every service behind it.
    urls = [f"{site.url(GATEWAY)}/readyz", *((site.feed_url(),) if site.settings.demo else ())]
    await _wait_for({url: partial(answers_ok, url) for url in urls}, _SERVICE_PATIENCE_S, supervisor)


async def _wait_for(checks: Mapping[str, Check], within_s: float, supervisor: Supervisor) -> None:
    patient_until = time.monotonic() + within_s
    for name, is_ready in checks.items():
        while not await is_ready():
            if part := supervisor.hopeless():
                raise CannotStart(f"{part} keeps ending; its reason is above")
            if time.monotonic() > patient_until:
                raise CannotStart(f"{name} was not ready within {within_s:.0f} s; its reason is above")
            await asyncio.sleep(_ASK_EVERY_S)


def _welcome(site: Site, *, with_accounts: bool) -> list[str]:
    address = site.url(GATEWAY)
    lines = ["", f"ready {address}", f"  API by hand (Swagger UI)  {address}/docs"]
    if not with_accounts:
        return [*lines, "  accounts as printed at the first start", ""]
    for account in site.settings.accounts:
        secret = "the password you gave" if account.password else password_of(account, site)
        lines.append(f"  {account.name:<9} {account.email}  {secret}")
    return [*lines, ""]
