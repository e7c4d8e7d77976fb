"""Whole first runs of millions of rows, and their memory.

    .venv/bin/python bench/isin_run.py URL FOLDER [--millions 2 10] [--kinds codes firds]

URL is the superuser's of a durable Postgres (``bench/durable_postgres.py``); a database is made there for each run and
dropped. The lists are those of ``bench/isin_reading.py``, kept in FOLDER: a zip of codes, and zips of FIRDS records.
A publisher on the loopback has them, and ``isin-worker fetch`` does the rest, as it would every day: it asks,
downloads, reads, checks, compares and publishes. Told are its seconds, its record and the peak of its memory.
"""

import argparse
import asyncio
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path

import asyncpg
from figures import tell
from isin_reading import FEEDS, files_of

import isin_worker
from isin_worker.feeds import declared_feeds
from isin_worker.schedule import current_date
from isin_worker.testing import Publisher, Served
from servicekit import testing

ENTRY = "/list"


def offer(publisher: Publisher, kind: str, paths: list[Path], day: date) -> None:
    """Let the publisher have the files, and name them as GLEIF or ESMA does."""
    if kind == "codes":
        names = [f"isin-lei-{day:%Y%m%d}.csv.zip"]
    else:  # a file for funds, one for debt, the others for equities: every category must be there
        names = [f"FULINS_{letter}_{day:%Y%m%d}_01of01.zip" for letter in "CD"]
        equities = len(paths) - len(names)
        names += [f"FULINS_E_{day:%Y%m%d}_{part:02}of{equities:02}.zip" for part in range(1, equities + 1)]
    links = []
    for name, path in zip(names, paths, strict=True):
        content = path.read_bytes()
        publisher.files[f"/{name}"] = Served(content)
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        links.append({"download_link": publisher.url_of(f"/{name}"), "checksum": md5})
    answer = (
        {"data": {"attributes": {"downloadLink": links[0]["download_link"], "fileName": names[0]}}}
        if kind == "codes"
        else {"response": {"numFound": len(links), "docs": links}}
    )
    publisher.files[ENTRY] = Served(json.dumps(answer).encode())


def fetch(feed: str, day: date, environment: dict[str, str]) -> tuple[str, float, float]:
    """Run the command; the run's record as JSON, the seconds, and the peak of memory in MB."""
    command = [sys.executable, "-m", "isin_worker", "fetch", feed, "--date", str(day), "--json"]
    began, peak = time.monotonic(), 0.0
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        # Not `ru_maxrss`: that of a child begins with the size of its parent, who holds the files.
        while process.poll() is None:
            peak = peak_memory(process.pid) or peak
            time.sleep(0.05)
        record = process.communicate()[0]
    if process.returncode:
        raise RuntimeError(f"the run ended with {process.returncode}: {record}")
    return record, time.monotonic() - began, peak


def peak_memory(pid: int) -> float:
    """The most that a process has had in memory so far, in MB; 0 when it is just ending."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


async def whole_run(admin_url: str, kind: str, paths: list[Path], spool: str) -> float:
    """The first run of a list in a new database, told in a line; the peak of memory in MB."""
    feed = FEEDS[kind]
    day = current_date(declared_feeds()[feed], datetime.now(UTC))
    url = await testing.create_database(isin_worker.__file__, "isin_bench")
    try:
        async with Publisher().serving() as publisher:
            offer(publisher, kind, paths, day)
            environment = os.environ | {
                "ISIN_ENVIRONMENT": "test",
                "ISIN_DATABASE_URL": url,
                "ISIN_CURSOR_SECRET": testing.TEST_SECRET,
                "ISIN_FEEDS": json.dumps([feed]),
                "ISIN_FEED_URLS": json.dumps({feed: publisher.url_of(ENTRY)}),
                "ISIN_PRIVATE_HOSTS": '["127.0.0.1"]',
                "ISIN_SPOOL_DIR": spool,
                "ISIN_LOG_LEVEL": "warning",
            }
            record, seconds, peak = await asyncio.to_thread(fetch, feed, day, environment)
    finally:
        admin = await asyncpg.connect(admin_url)
        await admin.execute(f'DROP DATABASE "{url.rpartition("/")[2]}" WITH (FORCE)')
        await admin.execute("CHECKPOINT")  # the log of millions of rows is given back, too
        await admin.close()
    run = json.loads(record)
    counts = {name: run[name] for name in ("status", "rows", "valid", "quarantined", "bytes")}
    sys.stdout.write(f"{kind}: {seconds:.1f} s, peak {peak:.0f} MB, {counts}\n")
    sys.stdout.flush()
    return peak


def main() -> None:
    """Make the lists, run, compare the peaks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--millions", type=int, nargs="+", default=[2, 10])
    parser.add_argument("--kinds", nargs="+", choices=FEEDS, default=list(FEEDS))
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    os.environ["APPRAISE_TEST_POSTGRES_URL"] = asked.url
    for kind in asked.kinds:
        peaks = []
        for millions in asked.millions:
            paths = files_of(kind, asked.folder, millions * 1_000_000)
            with tempfile.TemporaryDirectory(prefix="spool-", dir=asked.folder) as spool:
                peaks.append(asyncio.run(whole_run(asked.url, kind, paths, spool)))
        tell("isin runs", f"{kind}, most memory of {asked.millions} million rows", peaks, "MB", "lower")


if __name__ == "__main__":
    main()
