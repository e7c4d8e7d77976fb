"""Feeds that are written down in a file, and which ones are read."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from isin_worker.feeds import declared_feeds
from isin_worker.feeds.formats import Csv
from isin_worker.feeds.page_link import PageLink
from isin_worker.settings import Settings

OWN = """
[feeds.house-list]
title = "House list"
url = "https://lists.example/page"
link = 'list-\\d+\\.csv'
due_at = 06:30:00
weekdays = [0, 1, 2, 3, 4]
format = { kind = "csv", delimiter = ";", encoding = "latin-1", header_within = 3 }
columns = { isin = "ISIN", name = "Name" }
gates = { shrunk = 0.2 }
"""


def settings_with(text: str, folder: Path, *names: str) -> Settings:
    path = folder / "feeds.toml"
    path.write_text(text)
    return Settings.example(feeds_file=path, feeds=list(names) or ["house-list"])


def test_a_feed_of_ones_own_is_what_its_table_says(tmp_path: Path) -> None:
    feed = settings_with(OWN, tmp_path).enabled_feeds()["house-list"]
    assert feed.source == PageLink(r"list-\d+\.csv")
    assert feed.format == Csv(delimiter=";", encoding="iso8859-1", header_within=3)
    assert feed.schedule == "Mon, Tue, Wed, Thu, Fri 06:30 UTC"
    assert (feed.gates.shrunk, feed.gates.removed) == (0.2, 0.05)


def test_nothing_is_read_that_is_not_named() -> None:
    assert list(Settings.example().enabled_feeds()) == ["nse-equity"]
    assert list(Settings.example(feeds=["xetra", "amfi-funds"]).enabled_feeds()) == ["xetra", "amfi-funds"]


def test_every_feed_that_comes_along_says_where_its_terms_are() -> None:
    presets = {"bse-equity", "amfi-funds", "euronext-equity", "six-etf", "hkex-securities"}
    feeds = declared_feeds()
    assert presets < set(feeds)
    assert all(str(feed.terms).startswith("https://") for feed in feeds.values())


def test_the_categories_of_firds_are_a_setting() -> None:
    feed = Settings.example(feeds=["esma-firds"], firds_categories="E").enabled_feeds()["esma-firds"]
    assert feed.source.categories == feed.format.categories == "E"  # type: ignore[union-attr]  # it is this feed's
    assert feed.fingerprint != declared_feeds()["esma-firds"].fingerprint


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("[feeds.house-list]", "[feeds.House_List]", "feeds.House_List"),
        ("06:30:00", '"late"', "feeds.house-list.due_at"),
        ("https://", "ftp://", "starts with http:// or https://"),
        ("https://", "https://me:canary@", "no password in a feed's address"),
        ("list-", "list-(", "not a regular expression"),
        ("latin-1", "latin-one", "no encoding of this name"),
        ('isin = "ISIN", ', "", "columns must say which one has the ISIN"),
        ("name = ", "colour = ", "no field is named colour: further columns belong to details"),
        ("weekdays = [0,", "weekdays = [7,", "feeds.house-list.weekdays"),
        ("shrunk", "shrank", "feeds.house-list.gates.shrank"),
        ("title", "tittle", "feeds.house-list.tittle"),
        ("title = ", "title ", "no TOML"),
        ('kind = "csv"', 'kind = "pdf"', "feeds.house-list.format"),
        (
            "header_within = 3",
            "stated = 'rows: .+'",
            "feeds.house-list.format.csv.stated: it has one group",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(before: str, after: str, words: str, tmp_path: Path) -> None:
    assert before in OWN
    with pytest.raises(ValidationError) as refusal:
        settings_with(OWN.replace(before, after, 1), tmp_path)
    assert words in str(refusal.value)
    assert "canary" not in str(refusal.value)


@pytest.mark.parametrize(
    ("before", "after", "place"),
    [
        ("https://", "ftp://", "line 4, feeds.house-list.url: a feed's address"),
        ('";"', '";;"', "line 8, feeds.house-list.format.csv.delimiter: "),
        ('isin = "ISIN", ', "", "line 2, feeds.house-list: columns must say"),
        ('title = "House list"\n', "", "line 2, feeds.house-list.title: Field required"),
        ("gates = {", "[feeds.house-list.gates]\nshrunk = 2 #", "line 11, feeds.house-list.gates.shrunk: "),
    ],
)
def test_a_mistake_is_told_with_its_line(before: str, after: str, place: str, tmp_path: Path) -> None:
    assert before in OWN
    with pytest.raises(ValidationError) as refusal:
        settings_with(OWN.replace(before, after, 1), tmp_path)
    assert f"ISIN_FEEDS_FILE: {tmp_path / 'feeds.toml'}: {place}" in str(refusal.value)


def test_a_file_that_is_not_there_and_a_name_that_nobody_has_are_told(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=r"ISIN_FEEDS_FILE: .*none\.toml: No such file"):
        Settings.example(feeds_file=tmp_path / "none.toml")
    with pytest.raises(ValidationError, match="no feed is named nothing; there are: nse-equity, gleif-isin-lei"):
        Settings.example(feeds=["nothing"])
