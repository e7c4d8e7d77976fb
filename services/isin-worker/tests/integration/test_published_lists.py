"""Real published lists, from a folder of one's own: they belong to their publishers, so they are not here.

    APPRAISE_PUBLISHED_LISTS=folder make test TESTS=services/isin-worker/tests/integration/test_published_lists.py

Each file goes over HTTP through the whole pipeline. The counts that it must end with are counted a second time without
anything of the pipeline: twelve characters anywhere in the raw bytes whose digits sum up as ISO 6166 says, each once.
"""

import os
import re
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from isin_worker.reconcile import Reconciler
from isin_worker.states import Status
from isin_worker.testing import Publisher, Served, make_isin

FOLDER = os.environ.get("APPRAISE_PUBLISHED_LISTS")

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(FOLDER is None, reason="APPRAISE_PUBLISHED_LISTS names no folder of published lists"),
]

OWN = """
[feeds.bse-file]
title = "BSE, active scrips, as a file"
url = "http://lists.example/"
due_at = 00:00:00
columns = { isin = "ISIN No", name = "Security Name", type = "Instrument" }
details = { code = "Security Code" }

[feeds.nsdl]
title = "NSDL, all ISINs of India"
url = "http://lists.example/"
due_at = 00:00:00
columns = { isin = "ISIN", name = "Description", type = "Type" }
max_mebibytes = 64

[feeds.names]
title = "Names and ISINs, without a header"
url = "http://lists.example/"
due_at = 00:00:00
format = { kind = "csv", delimiter = ";", names = ["Name", "ISIN"] }
columns = { isin = "ISIN", name = "Name" }
"""

Run = Callable[..., Awaitable[tuple[str, int, int, int]]]


@pytest.fixture
def run(
    open_reconcilers: Callable[..., Awaitable[Reconciler]], publisher: Publisher, db: asyncpg.Connection, tmp_path: Path
) -> Run:
    own = tmp_path / "feeds.toml"
    own.write_text(OWN)

    async def once(feed: str, content: bytes) -> tuple[str, int, int, int]:
        """Publish the list as of another day than before: status, rows, valid, and how many are refused."""
        await db.execute("UPDATE run SET business_date = business_date - 1")
        await db.execute("UPDATE publication SET business_date = business_date - 1")
        await db.execute("UPDATE listing SET first_seen = first_seen - 1, last_seen = last_seen - 1")
        publisher.files["/list"] = Served(content)
        publisher.files["/page"] = Served(b'<a href="/list?t7-xetr-allTradableInstruments.csv">today</a>')
        url = publisher.url_of("/page" if feed == "xetra" else "/list")
        reconciler = await open_reconcilers(feeds=[feed], feed_urls={feed: url}, feeds_file=own)
        (visit,) = await reconciler.reconcile(feed=feed)
        return visit.run.status, visit.run.rows, visit.run.valid, visit.run.quarantined

    return once


def isins_in(path: Path) -> set[str]:
    """Every ISIN that stands anywhere in a file, without its format being looked at."""
    content = path.read_bytes()
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as archive:
            content = archive.read("xl/worksheets/sheet1.xml")
    found = re.findall(rb"(?<![A-Z0-9])[A-Z]{2}[A-Z0-9]{9}[0-9](?![A-Z0-9])", content)
    return {text for text in map(bytes.decode, found) if _sums_up(text)}


def _sums_up(isin: str) -> bool:
    digits = [int(digit) for character in isin for digit in str(int(character, 36))]
    return sum(sum(divmod(digit * (1 + place % 2), 10)) for place, digit in enumerate(reversed(digits))) % 10 == 0


@pytest.mark.parametrize(
    ("feed", "name", "rows", "valid", "refused"),
    [
        ("nse-equity", "nse_EQUITY_L_2024.csv", 1_977, 1_977, 0),
        ("bse-file", "Equity_samkit.csv", 4_456, 4_454, 2),
        ("amfi-funds", "NAVAll_casscanner.txt", 17_425, 17_215, 210),
        ("nsdl", "ISIN_20260413_truncated.csv", 8_101, 8_101, 0),
        ("xetra", "t7-xetr-allTradableInstruments_barbucket.csv", 2_577, 2_577, 0),
        ("hkex-securities", "ListOfSecurities.xlsx", 18_494, 14_228, 4_266),
        ("names", "isin_ansomia.csv", 5_104, 5_103, 1),
    ],
)
async def test_a_published_list_has_every_isin_that_stands_in_it_and_no_other(
    run: Run, db: asyncpg.Connection, feed: str, name: str, rows: int, valid: int, refused: int
) -> None:
    path = Path(str(FOLDER)) / name
    assert await run(feed, path.read_bytes()) == (Status.SUCCEEDED, rows, valid, refused)
    listed = await db.fetch("SELECT isin FROM listing WHERE last_seen IS NULL")
    assert {row["isin"] for row in listed} == isins_in(path)


async def test_a_list_that_was_cut_off_by_its_publisher_is_held(run: Run, db: asyncpg.Connection) -> None:
    lines = [f'"{make_isin(number)}","Security {number}",,"EQUITY","ACTIVE"' for number in range(369_000)]
    whole = "\n".join(["ISIN,Description,Issuer,Type,Status", *lines, ""]).encode()
    assert await run("nsdl", whole) == (Status.SUCCEEDED, 369_000, 369_000, 0)
    status, *_ = await run("nsdl", (Path(str(FOLDER)) / "ISIN_20260413_truncated.csv").read_bytes())
    assert status == Status.HELD
    assert await db.fetchval("SELECT count(*) FROM listing WHERE feed = 'nsdl' AND last_seen IS NULL") == 369_000
