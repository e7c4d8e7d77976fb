"""The command line, as another process."""

import asyncio
import json
import os
import pty
import signal
import sys
from pathlib import Path
from typing import NamedTuple

import asyncpg
import pytest

from isin_worker.testing import Publisher, eventually, make_list, make_row

pytestmark = pytest.mark.integration

FEED = "nse-equity"


class Ended(NamedTuple):
    code: int | None
    out: str
    err: str


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def start(environment: dict[str, str], *arguments: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "isin_worker", *arguments, env=environment, stdout=pipe, stderr=pipe
    )


async def end(process: asyncio.subprocess.Process) -> Ended:
    out, err = await asyncio.wait_for(process.communicate(), 120)
    return Ended(process.returncode, out.decode(), (err or b"").decode())


async def run(environment: dict[str, str], *arguments: str) -> Ended:
    return await end(await start(environment, *arguments))


async def test_reconcile_prints_a_line_with_the_counts_and_says_when_it_was_done_before(
    environment: dict[str, str], publisher: Publisher, db: asyncpg.Connection
) -> None:
    publisher.content = make_list([make_row(1), make_row(2)])
    first, second = await run(environment, "reconcile"), await run(environment, "reconcile", "--feed", FEED)
    today = await db.fetchval("SELECT business_date FROM run")
    counts = "2 rows, 2 valid, 2 added, 0 changed, 0 removed, 0 unchanged, 0 quarantined\n"
    assert (first.code, first.out) == (0, f"{FEED} {today} succeeded: {counts}")
    assert (second.code, second.out) == (0, f"{FEED} {today} succeeded before: {counts}")
    assert await db.fetchval("SELECT trigger FROM run") == "command"


async def test_reconcile_json_prints_the_record_and_nothing_else(
    environment: dict[str, str], publisher: Publisher, db: asyncpg.Connection
) -> None:
    publisher.content = make_list([make_row(1)])
    today = await db.fetchval("SELECT (now() AT TIME ZONE 'UTC')::date::text")
    ended = await run(environment, "reconcile", "--feed", FEED, "--date", today, "--json")
    record = json.loads(ended.out)
    assert (record["feed"], record["business_date"], record["status"]) == (FEED, today, "succeeded")
    assert (record["rows"], record["added"], record["error"], record["next_try_at"]) == (1, 1, None, None)


async def test_a_failed_run_ends_the_command_with_1_and_its_reason(
    environment: dict[str, str], publisher: Publisher, db: asyncpg.Connection
) -> None:
    publisher.status = 503
    ended = await run(environment, "reconcile")
    assert ended.code == 1
    assert " failed: the publisher answered 503; next try after " in ended.out


async def test_a_run_that_somebody_else_does_ends_the_command_with_75(
    environment: dict[str, str], publisher: Publisher, db: asyncpg.Connection
) -> None:
    publisher.content, publisher.held = make_list([make_row(1)]), asyncio.Event()
    busy = await start(environment, "reconcile")
    await publisher.waiting.wait()
    ended = await run(environment, "reconcile")
    assert ended.code == 75
    assert ended.out.endswith("running: somebody else is at it\n")
    publisher.held.set()
    assert (await end(busy)).code == 0


async def test_after_kill_9_in_the_middle_the_next_reconcile_completes_the_run(
    environment: dict[str, str], publisher: Publisher, db: asyncpg.Connection, spool: Path
) -> None:
    publisher.content, publisher.held = make_list(make_row(number) for number in range(1000)), asyncio.Event()
    environment["ISIN_LEASE_SECONDS"] = "1"
    killed = await start(environment, "reconcile")
    await publisher.waiting.wait()
    killed.kill()
    assert (await end(killed)).code == -signal.SIGKILL
    assert await db.fetchval("SELECT count(*) FROM listing") == 0
    publisher.held = None

    async def lease_is_over() -> bool:
        return bool(await db.fetchval("SELECT lease_expires_at < now() FROM run"))

    await eventually(lease_is_over)
    ended = await run(environment, "reconcile", "--json")
    record = json.loads(ended.out)
    assert (record["status"], record["attempts"], record["added"]) == ("succeeded", 2, 1000)
    assert await db.fetchval("SELECT count(*) FROM isin_change") == 1000
    assert files_below(spool) == []  # nor is what the killed one left


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_gives_the_run_back_and_ends_the_command_quietly(
    by: signal.Signals, environment: dict[str, str], publisher: Publisher, db: asyncpg.Connection
) -> None:
    publisher.content, publisher.held = make_list([make_row(1)]), asyncio.Event()
    process = await start(environment, "reconcile")
    await publisher.waiting.wait()
    process.send_signal(by)
    ended = await end(process)
    assert ended.code == 128 + by
    assert "Traceback" not in ended.err
    row = await db.fetchrow("SELECT status, attempts, owner FROM run")
    assert row is not None
    assert tuple(row) == ("pending", 0, None)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--feed", "nse"], "no feed is named 'nse'; there are: nse-equity"),
        (["--date", "21.11.2026"], "--date is a date of the calendar, as in 2026-11-21"),
        (["--date", "2026-02-30"], "--date is a date of the calendar, as in 2026-11-21"),
        (
            ["--date", "2020-01-01"],
            "The list of 2020-01-01 can't be had any more: the publisher shows newer ones only.",
        ),
        (["--date", "2099-01-01"], "The list of 2099-01-01 is not published yet."),
    ],
)
async def test_a_wrong_argument_is_one_clear_line(
    arguments: list[str], words: str, environment: dict[str, str], db: asyncpg.Connection
) -> None:
    ended = await run(environment, "reconcile", *arguments)
    assert (ended.code, ended.out, ended.err) == (2, "", f"isin-worker: {words}\n")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("reconcile", "isin-worker: the database or the queue does not answer: "),
        ("worker", "isin-worker: the database or the queue does not answer: "),
        ("migrate", "Error: the database can't be reached: "),
    ],
)
async def test_a_database_that_is_away_is_one_clear_line(command: str, words: str, environment: dict[str, str]) -> None:
    environment["ISIN_DATABASE_URL"] = "postgresql://nobody:x@127.0.0.1:1/nothing"
    ended = await run(environment, command)
    assert ended.code == 1
    assert ended.err.startswith(words)
    assert ended.err.count("\n") == 1


async def test_a_schema_that_was_not_migrated_is_one_clear_line(
    environment: dict[str, str], db: asyncpg.Connection
) -> None:
    environment["ISIN_DATABASE_URL"] = environment["ISIN_DATABASE_URL"].rpartition("/")[0] + "/postgres"
    ended = await run(environment, "reconcile")
    assert (ended.code, ended.err.count("\n")) == (1, 1)
    assert "run `migrate`" in ended.err


async def test_a_worker_without_a_queue_says_which_setting_is_missing(environment: dict[str, str]) -> None:
    del environment["ISIN_REDIS_URL"]
    ended = await run(environment, "worker")
    assert (ended.code, ended.err.count("\n")) == (78, 1)
    assert "ISIN_REDIS_URL" in ended.err


async def test_fetch_does_the_run_of_one_feed_and_again_when_forced(
    environment: dict[str, str], publisher: Publisher, db: asyncpg.Connection
) -> None:
    publisher.content = make_list([make_row(1)])
    first, second = await run(environment, "fetch", FEED), await run(environment, "fetch", FEED, "--force", "--json")
    assert (first.code, second.code) == (0, 0)
    assert " succeeded: 1 rows, 1 valid, 1 added," in first.out
    record = json.loads(second.out)
    assert (record["unchanged"], record["attempts"], record["trigger"]) == (1, 1, "command")
    assert len(publisher.requests) == 2


async def test_feeds_and_runs_tell_how_they_stand(
    environment: dict[str, str], publisher: Publisher, db: asyncpg.Connection
) -> None:
    publisher.status = 503
    await run(environment, "reconcile")
    before = await run(environment, "feeds")
    assert before.out.startswith(f"{FEED} stale: nothing yet, next run ")
    publisher.status, publisher.content = 200, make_list([make_row(number) for number in range(3)])
    await run(environment, "fetch", FEED, "--force")
    today = await db.fetchval("SELECT business_date FROM run")
    feeds, runs = await run(environment, "feeds"), await run(environment, "runs", FEED)
    assert feeds.out.startswith(f"{FEED} fresh: 3 rows of {today}, next run ")
    assert runs.out.startswith(f"{FEED} {today} succeeded: 3 rows")
    as_json = await run(environment, "runs", FEED, "--json", "--limit", "1")
    assert json.loads(as_json.out)["added"] == 3
    assert json.loads((await run(environment, "feeds", "--json")).out)["name"] == FEED


async def test_a_held_list_ends_the_command_with_1_and_is_an_alert(
    environment: dict[str, str], publisher: Publisher, db: asyncpg.Connection
) -> None:
    publisher.content = make_list(make_row(number, isin="INE000000000") for number in range(9)) + make_list(
        [make_row(9)], make_row(10)
    )
    ended = await run(environment, "reconcile")
    assert ended.code == 1
    assert " held: 9 of 11 rows are bad; yesterday's list stands until an administrator decides" in ended.out
    assert " is held: 9 of 11 rows are bad" in (await run(environment, "feeds")).out


WRONG_FEEDS = """
[feeds.mine]
title = "Mine"
url = "http://lists.example/"
due_at = 01:00:00
columns = { isin = "ISIN" }
format = { kind = "csv", delimiter = "tab" }
"""


@pytest.mark.parametrize(
    ("command", "name", "value", "words"),
    [
        ("reconcile", "ISIN_FEEDS_FILE", WRONG_FEEDS, ": line 7, feeds.mine.format.csv.delimiter: String should have"),
        ("feeds", "ISIN_FEEDS_FILE", "[feeds.mine", ": no TOML: "),
        ("worker", "ISIN_FEEDS_FILE", b"[feeds.\xff]", ": no TOML: byte 7 is no UTF-8"),
        ("feeds", "ISIN_FEEDS", "nse-equity", "ISIN_FEEDS: not JSON"),
        ("reconcile", "ISIN_FEEDS", '["nothing"]', "no feed is named nothing; there are: nse-equity, "),
    ],
)
async def test_a_wrong_setting_is_one_clear_line_with_its_place(
    command: str, name: str, value: str | bytes, words: str, environment: dict[str, str], tmp_path: Path
) -> None:
    own = tmp_path / "own.toml"
    own.write_bytes(value if isinstance(value, bytes) else value.encode())
    environment[name] = str(own) if name == "ISIN_FEEDS_FILE" else str(value)
    ended = await run(environment, command)
    assert (ended.code, ended.out, ended.err.count("\n")) == (78, "", 1)
    assert words in ended.err
    assert name != "ISIN_FEEDS_FILE" or ended.err.startswith(f"ISIN_FEEDS_FILE: {own}: ")


async def test_an_address_that_is_none_is_one_clear_line(environment: dict[str, str]) -> None:
    environment["ISIN_DATABASE_URL"] = "canary"
    ended = await run(environment, "fetch", FEED)
    assert (ended.code, ended.err.count("\n")) == (78, 1)
    assert ended.err == "ISIN_DATABASE_URL: is not postgresql://role:password@host:port/database\n"


async def test_fetch_refuses_a_date_that_is_to_come(environment: dict[str, str], db: asyncpg.Connection) -> None:
    ended = await run(environment, "fetch", FEED, "--date", "2999-01-01", "--json")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "isin-worker: The list of 2999-01-01 is not published yet.\n"
    assert await db.fetchval("SELECT count(*) FROM run") == 0


async def test_a_publisher_that_is_away_is_told_and_json_stays_clean(
    environment: dict[str, str], db: asyncpg.Connection
) -> None:
    environment["ISIN_FEED_URLS"] = f'{{"{FEED}": "http://127.0.0.1:1/list"}}'
    ended = await run(environment, "fetch", FEED, "--json")
    record = json.loads(ended.out)
    assert (ended.code, record["status"], record["error"]) == (
        1,
        "failed",
        "the download failed: All connection attempts failed",
    )


async def test_the_bar_is_drawn_on_a_terminal_and_nowhere_else(
    environment: dict[str, str], publisher: Publisher, db: asyncpg.Connection
) -> None:
    publisher.content = make_list([make_row(1)])
    shown = {}
    for option in ("--force", "--json"):
        ours, theirs = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "isin_worker", "fetch", FEED, "--force", option,
            env=environment, stdout=asyncio.subprocess.PIPE, stderr=theirs,
        )  # fmt: skip
        os.close(theirs)
        ended = await end(process)
        assert ended.code == 0
        shown[option] = _all_of(ours)
        assert "\x1b" not in ended.out
    assert f"{FEED} " in shown["--force"]
    assert shown["--force"].endswith("\r\x1b[K")
    assert "\x1b" not in shown["--json"]
    assert "\x1b" not in (await run(environment, "fetch", FEED, "--force")).err


def _all_of(terminal: int) -> str:
    """What was written to a terminal whose other end is closed; Linux says so by an error."""
    read = b""
    try:
        while some := os.read(terminal, 4096):
            read += some
    except OSError:
        pass
    os.close(terminal)
    return read.decode()


@pytest.mark.parametrize("arguments", [("fetch", "nothing"), ("runs", "nothing")])
async def test_a_feed_that_is_not_there_is_one_clear_line(
    arguments: tuple[str, ...], environment: dict[str, str]
) -> None:
    ended = await run(environment, *arguments)
    assert (ended.code, ended.err) == (2, f"isin-worker: no feed is named 'nothing'; there are: {FEED}\n")
