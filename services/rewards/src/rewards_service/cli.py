"""The command ``rewards``."""

import asyncio
import json
import sys
from typing import TYPE_CHECKING

import click

from servicekit.cli import service_cli

if TYPE_CHECKING:
    from rewards_service.schemas.ledger import VerifyOut
    from rewards_service.settings import Settings

EXIT_CONFIG = 78  # sysexits.h: EX_CONFIG

main = service_cli("rewards_service")


@main.command("verify-ledger")
def verify_ledger() -> None:
    """Add the whole ledger up and walk its chain. Ends with 1 when it does not hold what it promises."""
    from rewards_service.settings import Settings  # noqa: PLC0415 - keeps --help quick
    from servicekit.settings import load_settings  # noqa: PLC0415

    result = asyncio.run(_verify(load_settings(Settings)))
    click.echo(result.model_dump_json(indent=2))
    raise SystemExit(0 if result.ok else 1)


@main.command()
def worker() -> None:
    """Sweep at the start and each minute, until SIGTERM."""
    from rewards_service.settings import Settings  # noqa: PLC0415 - keeps --help quick
    from rewards_service.worker import run_worker  # noqa: PLC0415
    from servicekit import logs, traces  # noqa: PLC0415
    from servicekit.settings import load_settings  # noqa: PLC0415

    settings = load_settings(Settings)
    if settings.redis_url is None:
        click.echo("rewards: REWARDS_REDIS_URL: the worker waits at a queue; `sweep` works without one", err=True)
        raise SystemExit(EXIT_CONFIG)
    logs.configure("rewards_service", settings)
    traces.configure("rewards_service", settings)
    asyncio.run(run_worker(settings, settings.redis_url))


@main.command("worker-lives")
def worker_lives() -> None:
    """End with 0 when a worker has said within half a minute that it lives, else with 1. For a container's check."""
    from rewards_service.jobs import BELL  # noqa: PLC0415 - keeps --help quick
    from rewards_service.settings import Settings  # noqa: PLC0415
    from servicekit import jobs  # noqa: PLC0415
    from servicekit.settings import load_settings  # noqa: PLC0415

    url = load_settings(Settings).redis_url
    sys.exit(0 if url is not None and asyncio.run(jobs.worker_lives(url, BELL)) else 1)


@main.command()
def sweep() -> None:
    """Sweep once: expire tasks, end leases, seal the ledger, forget what is old, delete pictures of no proof."""
    from rewards_service.settings import Settings  # noqa: PLC0415 - keeps --help quick
    from rewards_service.worker import sweep_once  # noqa: PLC0415
    from servicekit import logs  # noqa: PLC0415
    from servicekit.settings import load_settings  # noqa: PLC0415

    settings = load_settings(Settings)
    logs.configure("rewards_service", settings, stream=sys.stderr)  # standard output is for the counts
    click.echo(json.dumps(asyncio.run(sweep_once(settings))))


@main.command("seal")
def seal_ledger() -> None:
    """Seal what is booked and not sealed yet. The worker does it every minute."""
    from rewards_service.settings import Settings  # noqa: PLC0415 - keeps --help quick
    from servicekit.settings import load_settings  # noqa: PLC0415

    sealed = asyncio.run(_seal(load_settings(Settings)))
    click.echo(f"{sealed} transactions sealed")


async def _seal(settings: "Settings") -> int:
    from rewards_service.services.chain import seal  # noqa: PLC0415
    from servicekit.db import Database  # noqa: PLC0415

    database = Database(settings, application_name="rewards seal")
    try:
        return await seal(database)
    finally:
        await database.close()


async def _verify(settings: "Settings") -> "VerifyOut":
    from rewards_service.services.ledger import verify  # noqa: PLC0415
    from servicekit.db import Database  # noqa: PLC0415

    database = Database(settings, application_name="rewards verify-ledger")
    try:
        return await verify(database)
    finally:
        await database.close()
