"""Downloads from a server that breaks off, changes its mind, or sends us elsewhere."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import httpx
import pytest

from isin_worker.errors import FetchFailed
from isin_worker.feeds import declared_feeds
from isin_worker.feeds.feed import Feed
from isin_worker.feeds.nse_equity import NSE_EQUITY
from isin_worker.feeds.source import Span
from isin_worker.pipeline.batches import Delivery
from isin_worker.pipeline.collect import Collector, Known
from isin_worker.pipeline.guard import GuardedTransport, is_public
from isin_worker.pipeline.spool import Validators
from isin_worker.testing import Publisher, Served, make_list, make_row, make_zip

pytestmark = pytest.mark.integration

CONTENT = make_list(make_row(number) for number in range(5000))
DAY = Span(date(2026, 11, 21))


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=GuardedTransport({"127.0.0.1", "localhost"}), trust_env=False) as opened:
        yield opened


class Attempts:
    """Attempts to get the list, one after the other in the same folder, as those of a run are."""

    def __init__(self, client: httpx.AsyncClient, feed: Feed, folder: Path) -> None:
        self._client, self.feed, self.folder = client, feed, folder
        self._count = 0

    async def collect(self, known: Known | None = None, span: Span = DAY) -> Delivery | None:
        self._count += 1
        return await Collector(self._client, self.feed, self.folder, seconds=30).collect(span, str(self._count), known)

    async def content(self) -> bytes:
        assert await self.collect() is not None
        (part,) = self.folder.glob("*.part")
        return part.read_bytes()


@pytest.fixture
def attempts(client: httpx.AsyncClient, publisher: Publisher, tmp_path: Path) -> Attempts:
    publisher.content = CONTENT
    return Attempts(client, replace(NSE_EQUITY, url=publisher.url), tmp_path)


def ranges(publisher: Publisher) -> list[str | None]:
    return [request.get("range") for request in publisher.requests]


async def test_a_download_goes_on_where_it_broke_off_as_long_as_something_comes(
    attempts: Attempts, publisher: Publisher
) -> None:
    publisher.etag, publisher.ranges, publisher.cuts = '"one"', True, [100_000, 50_000]
    assert await attempts.content() == CONTENT
    assert [found is not None for found in ranges(publisher)] == [False, True, True]
    assert {request.get("if-range") for request in publisher.requests[1:]} == {'"one"'}


async def test_another_attempt_goes_on_from_what_the_first_one_left(attempts: Attempts, publisher: Publisher) -> None:
    publisher.last_modified, publisher.ranges = "Sat, 21 Nov 2026 01:00:00 GMT", True
    publisher.cuts, publisher.missing_bytes = [100_000, 0], 1
    with pytest.raises(FetchFailed, match="the download failed"):
        await attempts.collect()
    publisher.missing_bytes = 0
    publisher.requests.clear()
    delivery = await attempts.collect()
    assert delivery is not None
    assert delivery.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert ranges(publisher) != [None]
    assert len(list(attempts.folder.glob("*.part"))) == 1


async def test_a_file_that_changed_meanwhile_is_fetched_from_its_start(
    attempts: Attempts, publisher: Publisher
) -> None:
    publisher.etag, publisher.ranges, publisher.cuts = '"one"', True, [100_000, 0]
    with pytest.raises(FetchFailed):
        await attempts.collect()
    publisher.etag, publisher.content = '"two"', CONTENT[::-1]
    assert await attempts.content() == CONTENT[::-1]


async def test_a_server_without_ranges_sends_it_all_again(attempts: Attempts, publisher: Publisher) -> None:
    publisher.etag, publisher.cuts = '"one"', [200_000]
    assert await attempts.content() == CONTENT
    assert len(publisher.requests) == 2


async def test_without_a_strong_validator_nothing_is_gone_on_from(attempts: Attempts, publisher: Publisher) -> None:
    publisher.etag, publisher.ranges, publisher.cuts = 'W/"one"', True, [100_000]
    assert await attempts.content() == CONTENT
    assert ranges(publisher) == [None, None]


async def test_what_is_whole_already_is_not_sent_again(attempts: Attempts, publisher: Publisher) -> None:
    publisher.etag, publisher.ranges = '"one"', True
    await attempts.collect()
    assert await attempts.content() == CONTENT
    assert ranges(publisher) == [None, f"bytes={len(CONTENT)}-"]


async def test_a_file_that_became_shorter_is_fetched_from_its_start(attempts: Attempts, publisher: Publisher) -> None:
    publisher.last_modified, publisher.ranges = "Sat, 21 Nov 2026 01:00:00 GMT", True
    await attempts.collect()
    publisher.content = CONTENT[:1000]
    assert await attempts.content() == CONTENT[:1000]


async def test_a_stalled_answer_ends_with_the_time_it_may_take(
    attempts: Attempts, publisher: Publisher, client: httpx.AsyncClient
) -> None:
    publisher.held = asyncio.Event()
    collector = Collector(client, attempts.feed, attempts.folder, seconds=0.2)
    with pytest.raises(FetchFailed, match=r"more than 0\.2 s"):
        await collector.collect(DAY, "1", None)
    publisher.held.set()


async def test_the_same_version_is_not_fetched(client: httpx.AsyncClient, publisher: Publisher, tmp_path: Path) -> None:
    document = f'{{"data": {{"attributes": {{"downloadLink": "{publisher.url_of("/file")}", "fileName": "one.zip"}}}}}}'
    publisher.files = {"/latest": Served(document.encode()), "/file": Served(make_zip({"a": b"LEI,ISIN\n"}))}
    attempts = Attempts(client, replace(declared_feeds()["gleif-isin-lei"], url=publisher.url_of("/latest")), tmp_path)
    first = await attempts.collect()
    assert first is not None
    assert first.version == "one.zip"
    assert await attempts.collect(Known(Validators(None, None), "one.zip")) is None
    assert [request[":path"] for request in publisher.requests] == ["/latest", "/file", "/latest"]
    assert {request["accept"] for request in publisher.requests} == {"*/*"}


@pytest.mark.parametrize("right", [True, False])
async def test_a_wrong_checksum_is_tried_once_more_and_then_told(
    right: bool, client: httpx.AsyncClient, publisher: Publisher, tmp_path: Path
) -> None:
    link = publisher.url_of("/FULINS_C_20261121_01of01.zip")
    listed = {"download_link": link, "checksum": hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()}
    publisher.files["/list"] = Served(httpx.Response(200, json={"response": {"numFound": 1, "docs": [listed]}}).content)
    publisher.files["/FULINS_C_20261121_01of01.zip"] = Served(b"other bytes")
    feed = replace(declared_feeds()["esma-firds"], url=publisher.url_of("/list"))
    feed = replace(feed, source=replace(feed.source, categories="C"))  # type: ignore[type-var]  # a dataclass it is
    if right:
        publisher.files["/FULINS_C_20261121_01of01.zip"].content = CONTENT
    delivery = await Attempts(client, feed, tmp_path).collect()
    assert delivery is not None
    assert list(delivery.checksum_differs) == ([] if right else [link])
    assert len(publisher.requests) == (2 if right else 3)


PAGE = b"<!DOCTYPE html>\n<html><head><title>Access &amp;\n Denied</title></head>" + b"<body>No</body>" * 100


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf\r\n", b'<?xml version="1.0"?>\n<!-- a -->'])
async def test_a_page_that_is_sent_as_if_it_were_the_list_is_told_and_not_kept(
    start: bytes, attempts: Attempts, publisher: Publisher
) -> None:
    publisher.content, publisher.etag = start + PAGE, '"one"'
    with pytest.raises(FetchFailed, match="the publisher sent a page, “Access & Denied”, instead of the list"):
        await attempts.collect()
    assert list(attempts.folder.iterdir()) == []
    publisher.content = CONTENT
    assert await attempts.content() == CONTENT


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (PAGE, "the publisher answered 403 with a page, “Access & Denied”"),
        (b"<html>no", "the publisher answered 403 with a page without a title"),
        (b"denied", "the publisher answered 403"),
    ],
)
async def test_a_refusal_says_what_its_page_says(
    content: bytes, words: str, attempts: Attempts, publisher: Publisher
) -> None:
    publisher.content, publisher.status = content, 403
    with pytest.raises(FetchFailed) as refusal:
        await attempts.collect()
    assert str(refusal.value) == words


async def test_a_page_instead_of_a_list_of_files_is_told(
    client: httpx.AsyncClient, publisher: Publisher, tmp_path: Path
) -> None:
    publisher.content = PAGE
    for name in ("esma-firds", "fca-firds", "gleif-isin-lei", "xetra"):
        attempts = Attempts(client, replace(declared_feeds()[name], url=publisher.url), tmp_path)
        with pytest.raises(FetchFailed, match="it is a page, “Access & Denied”"):
            await attempts.collect()


async def test_a_page_leads_to_the_list_wherever_it_is_today(
    client: httpx.AsyncClient, publisher: Publisher, tmp_path: Path
) -> None:
    page = b"<a href=\"/other.csv\">x</a> <a class=l href='/blob/1f3a/t7-xetr-allTradableInstruments.csv?a=1&amp;b=2'>"
    publisher.files = {"/page": Served(page), "/blob/1f3a/t7-xetr-allTradableInstruments.csv": Served(b"list")}
    attempts = Attempts(client, replace(declared_feeds()["xetra"], url=publisher.url_of("/page")), tmp_path)
    assert await attempts.content() == b"list"
    assert publisher.requests[-1][":path"].endswith("?a=1&b=2")


async def test_a_page_without_the_link_is_no_list(
    client: httpx.AsyncClient, publisher: Publisher, tmp_path: Path
) -> None:
    publisher.files = {"/page": Served(b'<a href="/other.csv">x</a>')}
    attempts = Attempts(client, replace(declared_feeds()["xetra"], url=publisher.url_of("/page")), tmp_path)
    with pytest.raises(FetchFailed, match="the page has 1 links, and none of them is to the list"):
        await attempts.collect()


async def test_a_link_to_another_host_is_not_followed(
    client: httpx.AsyncClient, publisher: Publisher, tmp_path: Path
) -> None:
    publisher.files = {"/page": Served(b'<a href="http://example.org/t7-xetr-allTradableInstruments.csv">x</a>')}
    attempts = Attempts(client, replace(declared_feeds()["xetra"], url=publisher.url_of("/page")), tmp_path)
    with pytest.raises(FetchFailed, match=r"http://example\.org, which is not where its lists are"):
        await attempts.collect()


async def test_a_name_that_means_this_machine_is_refused_unless_the_settings_allow_it(
    attempts: Attempts, publisher: Publisher
) -> None:
    async with httpx.AsyncClient(transport=GuardedTransport({"127.0.0.1"}), trust_env=False) as strict:
        feed = replace(attempts.feed, url=f"http://localhost:{publisher.port}/content/equities/EQUITY_L.csv")
        with pytest.raises(FetchFailed, match=r"localhost is at .*, which is not a public address"):
            await Attempts(strict, feed, attempts.folder).collect()
    assert publisher.requests == []
    attempts.feed = feed
    assert await attempts.content() == CONTENT
    assert publisher.requests[-1]["host"] == f"localhost:{publisher.port}"


async def test_a_name_is_looked_up_once_and_that_address_is_connected_to(
    attempts: Attempts, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    genuine, asked = loop.getaddrinfo, []

    async def rebinding(host: str, port: int, **options: int) -> object:
        asked.append(host)
        return await genuine("127.0.0.1" if host == "publisher.example" else host, port, **options)

    monkeypatch.setattr(loop, "getaddrinfo", rebinding)
    async with httpx.AsyncClient(transport=GuardedTransport({"publisher.example"}), trust_env=False) as client:
        attempts.feed = replace(attempts.feed, url=f"http://publisher.example:{publisher.port}/list")
        await Attempts(client, attempts.feed, attempts.folder).collect()
    assert asked.count("publisher.example") == 1
    assert publisher.requests[-1]["host"] == f"publisher.example:{publisher.port}"


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),  # noqa: S104 - nothing is bound to it
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00:ec2::254", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::5db8:d70e", True),
    ],
)
def test_only_addresses_of_the_internet_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public
