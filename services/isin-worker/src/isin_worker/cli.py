"""The commands: ``serve``, ``migrate``, ``worker``, ``reconcile``, ``fetch``, ``feeds`` and ``runs``."""

import asyncio
import re
import sys
from datetime import date
from typing import TYPE_CHECKING, NoReturn

import click

from servicekit.cli import service_cli

if TYPE_CHECKING:
    from isin_worker.settings import Settings

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_CONFIG = 78  # sysexits.h: EX_CONFIG

group = service_cli("isin_worker")


def main() -> None:
    """Run the command line. What is away, and a setting that can't even be read, is one line and not a traceback."""
    try:
        group(prog_name="isin-worker")
    except Exception as error:
        if setting := _wrong_setting(error):
            _end(setting, EXIT_CONFIG)
        reason = _outage(error)
        if reason is None:
            raise
        _end(reason, EXIT_FAILED)


@group.command()
def worker() -> None:
    """Reconcile at the start, every quarter of an hour, and whenever the API asks, until SIGTERM."""
    from isin_worker.settings import Settings  # noqa: PLC0415 - keeps --help quick
    from isin_worker.worker import run_worker  # noqa: PLC0415
    from servicekit import logs, traces  # noqa: PLC0415
    from servicekit.settings import load_settings  # noqa: PLC0415

    settings = load_settings(Settings)
    if settings.redis_url is None:
        _end("ISIN_REDIS_URL: the worker waits at a queue; `reconcile` works without one", EXIT_CONFIG)
    logs.configure("isin_worker", settings)
    traces.configure("isin_worker", settings)
    asyncio.run(run_worker(settings, settings.redis_url))


@group.command("worker-lives")
def worker_lives() -> None:
    """End with 0 when a worker has said within half a minute that it lives, else with 1. For a container's check."""
    from isin_worker.jobs import BELL  # noqa: PLC0415 - keeps --help quick
    from isin_worker.settings import Settings  # noqa: PLC0415
    from servicekit import jobs  # noqa: PLC0415
    from servicekit.settings import load_settings  # noqa: PLC0415

    url = load_settings(Settings).redis_url
    sys.exit(0 if url is not None and asyncio.run(jobs.worker_lives(url, BELL)) else 1)


@group.command()
@click.option("--feed", help="Only this feed.")
@click.option("--date", "day", help="This business date, as in 2026-11-21, instead of what is due.")
@click.option("--json", "as_json", is_flag=True, help="Print each run's record as JSON, one on a line.")
def reconcile(feed: str | None, day: str | None, as_json: bool) -> None:
    """Do what is due and not done: fetch the lists and publish them.

    Ends with 0 when all of it is done (also if it was before), 75 when somebody else is at it, 1 when a run failed or
    is held.
    """
    _reconcile(feed, day, as_json=as_json)


@group.command()
@click.argument("feed")
@click.option("--date", "day", help="This business date, as in 2026-11-21, instead of the newest.")
@click.option("--force", is_flag=True, help="Do it again although it is done, and compare every row.")
@click.option("--json", "as_json", is_flag=True, help="Print the run's record as JSON.")
def fetch(feed: str, day: str | None, force: bool, as_json: bool) -> None:
    """Do the run of one feed. Ends as `reconcile` does."""
    _reconcile(feed, day, as_json=as_json, force=force)


@group.command()
@click.option("--json", "as_json", is_flag=True, help="Print each feed's record as JSON, one on a line.")
def feeds(as_json: bool) -> None:
    """Show what stands of each feed, how fresh it is, and what waits for an administrator."""
    from isin_worker import look  # noqa: PLC0415 - keeps --help quick
    from isin_worker.report import feed_line  # noqa: PLC0415
    from isin_worker.settings import Settings  # noqa: PLC0415
    from servicekit.settings import load_settings  # noqa: PLC0415

    for feed in asyncio.run(look.feeds(load_settings(Settings))):
        print(feed.model_dump_json() if as_json else feed_line(feed))


@group.command()
@click.argument("feed")
@click.option("--limit", type=click.IntRange(1, 1000), default=10, show_default=True, help="How many at most.")
@click.option("--json", "as_json", is_flag=True, help="Print each run's record as JSON, one on a line.")
def runs(feed: str, limit: int, as_json: bool) -> None:
    """Show the runs of a feed, the newest first."""
    from isin_worker import look  # noqa: PLC0415 - keeps --help quick
    from isin_worker.report import run_line  # noqa: PLC0415
    from isin_worker.settings import Settings  # noqa: PLC0415
    from servicekit.settings import load_settings  # noqa: PLC0415

    settings = load_settings(Settings)
    _require_feed(feed, settings)
    for run in asyncio.run(look.runs(settings, feed, limit)):
        print(run.model_dump_json() if as_json else run_line(run))


def _reconcile(feed: str | None, day: str | None, *, as_json: bool, force: bool = False) -> NoReturn:
    business_date = _date(day) if day is not None else None

    from isin_worker.errors import DateNotAvailable  # noqa: PLC0415 - arguments are refused before all this is loaded
    from isin_worker.once import reconcile_once  # noqa: PLC0415
    from isin_worker.progress_bar import ProgressBar  # noqa: PLC0415
    from isin_worker.report import exit_code, line, record  # noqa: PLC0415
    from isin_worker.settings import Settings  # noqa: PLC0415
    from servicekit import logs  # noqa: PLC0415
    from servicekit.settings import load_settings  # noqa: PLC0415

    settings = load_settings(Settings)
    if feed is not None:
        _require_feed(feed, settings)
    bar = ProgressBar(sys.stderr) if sys.stderr.isatty() and not as_json else None
    if bar:  # the log would be written into the bar
        settings = settings.model_copy(update={"log_level": "error"})
    logs.configure("isin_worker", settings, stream=sys.stderr)  # standard output is for the runs
    try:
        visits = asyncio.run(reconcile_once(settings, feed, business_date, force=force, progress=bar))
    except DateNotAvailable as error:
        _end(str(error), EXIT_USAGE)
    for visit in visits:
        print(record(visit) if as_json else line(visit))
    sys.exit(exit_code(visits))


def _require_feed(name: str, settings: "Settings") -> None:
    if name not in settings.feeds:
        _end(f"no feed is named {name!r}; there are: {', '.join(settings.feeds)}", EXIT_USAGE)


def _date(day: str) -> date:
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", day, re.ASCII):
            return date.fromisoformat(day)
    except ValueError:
        pass  # of the right shape, but not in the calendar
    return _end("--date is a date of the calendar, as in 2026-11-21", EXIT_USAGE)


def _wrong_setting(error: Exception) -> str | None:
    """Which setting could not be read, if that is what the error says."""
    from pydantic_settings import SettingsError  # noqa: PLC0415 - keeps --help quick

    if isinstance(error, SettingsError):
        name = str(error).split('"')[1]  # it has the field in quotes, before where it comes from
        return f"ISIN_{name.upper()}: not JSON"
    return None


def _outage(error: Exception) -> str | None:
    """What is away, if that is what the error says."""
    from redis.exceptions import RedisError  # noqa: PLC0415 - keeps --help quick
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    from servicekit.schema_head import SchemaNotAtHead  # noqa: PLC0415

    if isinstance(error, SchemaNotAtHead):
        return str(error)
    if isinstance(error, DBAPIError):
        return f"the database failed: {str(error.orig).partition(chr(10))[0]}"
    if isinstance(error, RedisError):
        return f"the queue failed: {error}"
    if isinstance(error, OSError):
        return f"the database or the queue does not answer: {error}"
    return None


def _end(message: str, code: int) -> NoReturn:
    print(f"isin-worker: {message}", file=sys.stderr)
    raise SystemExit(code)
