"""The demo feed: the publisher's layout, valid ISINs, honest validators."""

import csv
import io
import threading
from collections.abc import Iterator

import httpx
import pytest

from extractor import is_valid_isin
from local_stack import demo_feed
from local_stack.ports import free_ports


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    port = free_ports(1)[0]
    with demo_feed.server(port) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        yield demo_feed.url(port)
        server.shutdown()
        serving.join()


def test_the_header_is_the_publishers_blanks_included() -> None:
    names = demo_feed.demo_list(1).decode().splitlines()[0].split(",")
    assert [name for name in names if name.startswith(" ")] == names[2:]
    assert "ISIN NUMBER" in [name.strip() for name in names]


def test_every_row_is_whole_and_has_a_valid_isin_of_its_own() -> None:
    rows = list(csv.DictReader(io.StringIO(demo_feed.demo_list().decode()), skipinitialspace=True))
    assert len(rows) == demo_feed.ROWS
    assert all(is_valid_isin(row["ISIN NUMBER"]) for row in rows)
    assert len({row["ISIN NUMBER"] for row in rows}) == len({row["SYMBOL"] for row in rows}) == len(rows)


def test_the_list_is_the_same_every_time() -> None:
    assert demo_feed.demo_list() == demo_feed.demo_list()


def test_an_unchanged_list_is_not_sent_twice(url: str) -> None:
    first = httpx.get(url)
    assert (first.status_code, first.content) == (200, demo_feed.demo_list())
    for validator in (
        {"If-None-Match": first.headers["ETag"]},
        {"If-None-Match": f'"other", W/{first.headers["ETag"]}'},
        {"If-Modified-Since": first.headers["Last-Modified"]},
    ):
        again = httpx.get(url, headers=validator)
        assert (again.status_code, again.content) == (304, b"")
    assert httpx.get(url, headers={"If-None-Match": '"other"'}).status_code == 200


def test_other_paths_are_not_found(url: str) -> None:
    assert httpx.get(url + ".zip").status_code == 404
    assert httpx.head(url).headers["Content-Length"] == str(len(demo_feed.demo_list()))
