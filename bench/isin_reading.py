"""Reading lists of ISINs against the limit of the database, lxml and python-stdnum: speed, and memory by size.

    .venv/bin/python bench/isin_reading.py FOLDER [--millions 2] [--rounds 3] [--others]

Makes a list of codes (a zip of a CSV) and FIRDS files (zips of half a million records) in FOLDER and leaves them.
``staging`` unpacks, reads, checks and COPYs a list as a run does; ``raw`` COPYs the very bytes that this gives, made
before, into the same table. Both take turns, each round in processes of their own, whose peaks of memory are told.
lxml and python-stdnum, which are no dependencies of ours, have an environment of their own.
"""

import argparse
import asyncio
import json
import random
import statistics
import subprocess
import sys
import time
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import numpy as np
from environments import environment
from figures import tell

from isin_worker.check_digits import valid
from isin_worker.feeds import Feed, declared_feeds
from isin_worker.pipeline.parse.reader import FileRows
from isin_worker.pipeline.stream import ahead
from isin_worker.repositories.staging import STAGE
from isin_worker.testing import make_isin
from isin_worker.testing.firds import make_full, make_record
from local_stack.embedded.for_tests import running, wait_until_ready
from local_stack.embedded.postgres import Postgres
from local_stack.ports import free_ports

A_FILE = 500_000
FEEDS = {"codes": "gleif-isin-lei", "firds": "esma-firds"}

LXML = """
import sys, time, zipfile
from lxml import etree
started, count = time.perf_counter(), 0
N = "{urn:iso:std:iso:20022:tech:xsd:auth.017.001.02}"
paths = [N + "FinInstrmGnlAttrbts/" + N + tag for tag in ("Id", "FullNm", "ClssfctnTp", "NtnlCcy")]
paths += [N + "Issr", N + "TradgVnRltdAttrbts/" + N + "Id"]
with zipfile.ZipFile(sys.argv[1]) as archive, archive.open(archive.namelist()[0]) as file:
    for _, record in etree.iterparse(file, tag=N + "RefData"):
        row = [record.findtext(path) for path in paths]
        count += 1
        record.clear()
        while record.getprevious() is not None:
            del record.getparent()[0]
print(count / (time.perf_counter() - started))
"""
STDNUM = """
import sys, time
from stdnum import isin
values = open(sys.argv[1]).read().split()
started = time.perf_counter()
count = sum(isin.is_valid(value) for value in values)
print(len(values) / (time.perf_counter() - started), count)
"""


def write_codes(path: Path, rows: int, rng: random.Random) -> None:
    """A zip as GLEIF's: lines of 34 bytes, by LEI; of 100,000, fifty wrong check digits and twenty small letters."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("codes.csv", "w") as file:
        file.write(b"LEI,ISIN\n")
        for start in range(0, rows, 10_000):
            lines = [
                f"{(start + place) // 90:018d}00,{make_isin(rng.randrange(10**9), 'XS')}" for place in range(10_000)
            ]
            for place in rng.sample(range(10_000), 5):
                lines[place] = lines[place][:-1] + str((int(lines[place][-1]) + 1) % 10)
            for place in rng.sample(range(10_000), 2):
                lines[place] = lines[place].lower()
            file.write(("\n".join(lines) + "\n").encode())


def write_firds(path: Path, first: int, rows: int, rng: random.Random) -> None:
    """A zip as ESMA's, which packs as well; every fortieth name has something special."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("list.xml", "w") as file:
        start, end = make_full([]).split(b"</RptHdr>")
        file.write(start + b"</RptHdr>")
        for number in range(first, first + rows):
            title = "Gr\N{LATIN SMALL LETTER O WITH DIAERESIS}n & Co" if number % 40 == 0 else "Company"
            name = f"{title} {rng.randbytes(12).hex()} AG, Namens-Aktien o.N."
            kind, venue = ("ESVUFR", "DBFTFB", "CBOJLS")[number % 3], ("XETR", "XFRA", "XSTU", "XMUN")[number % 4]
            isin = make_isin(rng.randrange(10**9), "DE")
            file.write(
                f"<RefData>{make_record(number, isin=isin, name=name, cfi=kind, venue=venue)}</RefData>".encode()
            )
        file.write(end)


def files_of(kind: str, folder: Path, rows: int) -> list[Path]:
    """The files of a list, made if they are not there yet."""
    rng = random.Random(6166)  # noqa: S311 - made-up data, the same each time
    if kind == "codes":
        path = folder / f"codes-{rows}.zip"
        if not path.exists():
            write_codes(path, rows, rng)
        return [path]
    paths = [folder / f"firds-{first}.zip" for first in range(0, rows, A_FILE)]
    for place, path in enumerate(paths):
        if not path.exists():
            write_firds(path, place * A_FILE, A_FILE, rng)
    return paths


async def staging(url: str, feed: Feed, paths: list[Path]) -> tuple[float, int]:
    """What a run does with files that are there, up to comparing and publishing: the seconds, and the rows."""
    rows = 0

    async def chunks(file: FileRows) -> AsyncIterator[bytes]:
        nonlocal rows
        async for batch in ahead(iter(file)):
            rows += batch.rows
            yield batch.copy

    connection = await asyncpg.connect(url)
    async with connection.transaction():
        await connection.execute(STAGE)
        started = time.perf_counter()
        for path in paths:
            file = FileRows(feed, path)
            layout = file.layout
            await connection.copy_to_table(
                "staged", source=chunks(file), columns=layout.columns, delimiter=layout.delimiter, format="text"
            )
        seconds = time.perf_counter() - started
    await connection.close()
    return seconds, rows


async def raw(url: str, feed: Feed, paths: list[Path]) -> float:
    """The seconds that COPY takes for text that is there."""
    texts = [[batch.copy for batch in FileRows(feed, path)] for path in paths]
    layout = FileRows(feed, paths[0]).layout

    async def chunks(text: list[bytes]) -> AsyncIterator[bytes]:
        for chunk in text:
            yield chunk

    connection = await asyncpg.connect(url)
    async with connection.transaction():
        await connection.execute(STAGE)
        started = time.perf_counter()
        for text in texts:
            await connection.copy_to_table(
                "staged", source=chunks(text), columns=layout.columns, delimiter=layout.delimiter, format="text"
            )
        seconds = time.perf_counter() - started
    await connection.close()
    return seconds


def child(side: str, kind: str, url: str, paths: list[Path]) -> None:
    """One trial, in a process of its own; prints the rows a second and the peak of memory."""
    feed = declared_feeds()[FEEDS[kind]]
    rows = 0
    if side == "raw":
        seconds = asyncio.run(raw(url, feed, paths))
    else:
        seconds, rows = asyncio.run(staging(url, feed, paths))
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    sys.stdout.write(json.dumps({"seconds": seconds, "rows": rows, "peak": int(peak.split()[1]) / 1024}) + "\n")


def trial(side: str, kind: str, url: str, paths: list[Path]) -> dict[str, float]:
    """One trial's figures."""
    arguments = [sys.executable, __file__, "--child", side, kind, url, *map(str, paths)]
    printed = subprocess.run(arguments, check=True, capture_output=True, text=True).stdout  # noqa: S603 - ourselves
    figures: dict[str, float] = json.loads(printed)
    return figures


def compare(kind: str, url: str, paths: list[Path], rounds: int) -> Iterator[str]:
    """The lines of the report on one kind of list."""
    sides: dict[str, list[dict[str, float]]] = {"raw": [], "staging": []}
    for _ in range(rounds):
        for side, trials in sides.items():
            trials.append(trial(side, kind, url, paths))
    ratios = [a["seconds"] / b["seconds"] for a, b in zip(sides["raw"], sides["staging"], strict=True)]
    rows = sides["staging"][0]["rows"]
    speeds = {side: rows / statistics.median(one["seconds"] for one in trials) for side, trials in sides.items()}
    yield f"{kind} {rows:,.0f} rows: raw COPY {speeds['raw']:,.0f}/s, staging {speeds['staging']:,.0f}/s"
    tell("isin lists", f"staging {kind}, of raw COPY", ratios, "times")
    tell("isin lists", f"staging {kind}, peak of memory", [one["peak"] for one in sides["staging"]], "MB", "lower")


def against_others(python: str, folder: Path) -> Iterator[str]:
    """lxml on one file of FIRDS, python-stdnum on 100,000 ISINs, and what we do with the same."""
    path = files_of("firds", folder, A_FILE)[0]
    lxml = float(subprocess.run([python, "-c", LXML, str(path)], check=True, capture_output=True, text=True).stdout)  # noqa: S603
    started = time.perf_counter()
    rows = sum(batch.rows for batch in FileRows(declared_feeds()["esma-firds"], path))
    ours = rows / (time.perf_counter() - started)
    tell("isin lists", "reading FIRDS, of lxml's iterparse", [ours / lxml], "times")
    yield f"FIRDS without COPY: lxml iterparse {lxml:,.0f}/s, ours {ours:,.0f}/s, {ours / lxml:.1f} times"
    values = [make_isin(number, "DE") for number in range(100_000)]
    (folder / "isins").write_text("\n".join(values))
    printed = subprocess.run([python, "-c", STDNUM, str(folder / "isins")], check=True, capture_output=True, text=True)  # noqa: S603
    stdnum = float(printed.stdout.split()[0])
    array = np.array(values * 20, dtype="S12")
    started = time.perf_counter()
    valid(array)
    bulk = len(array) / (time.perf_counter() - started)
    tell("isin lists", "check digits, of python-stdnum", [bulk / stdnum], "times")
    yield f"check digits: python-stdnum {stdnum:,.0f}/s, ours {bulk:,.0f}/s, {bulk / stdnum:,.0f} times"


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--millions", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kinds", nargs="+", default=list(FEEDS))
    parser.add_argument("--others", action="store_true", help="lxml and python-stdnum too")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    files = {kind: files_of(kind, options.folder, options.millions * 1_000_000) for kind in options.kinds}
    (port,) = free_ports(1)
    with Postgres(options.folder / "postgres", port, "bench") as postgres:
        postgres.initialise()
        with running(postgres.launch()) as process:
            wait_until_ready(postgres.is_ready, process)
            for kind, paths in files.items():
                for line in compare(kind, postgres.url(), paths, options.rounds):
                    sys.stdout.write(line + "\n")
                    sys.stdout.flush()
    if options.others:
        python = environment(Path(__file__).parent / "peers" / "isin_reading.txt") / "python"
        sys.stdout.writelines(line + "\n" for line in against_others(str(python), options.folder))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], sys.argv[3], sys.argv[4], [Path(name) for name in sys.argv[5:]])
    else:
        main()
