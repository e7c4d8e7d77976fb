"""The lists that are read: one file for each publisher, declarations only."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from isin_worker.feeds.configured import presets, read_feeds
from isin_worker.feeds.esma_firds import ESMA_FIRDS, SolrList
from isin_worker.feeds.fca_firds import FCA_FIRDS, ElasticList
from isin_worker.feeds.feed import Feed
from isin_worker.feeds.formats import Firds
from isin_worker.feeds.gleif_isin_lei import GLEIF_ISIN_LEI
from isin_worker.feeds.nse_equity import NSE_EQUITY
from isin_worker.feeds.xetra import XETRA

__all__ = ["Feed", "declared_feeds", "enabled_feeds"]

_BUILT_IN = (NSE_EQUITY, GLEIF_ISIN_LEI, ESMA_FIRDS, FCA_FIRDS, XETRA)


def declared_feeds(own: Path | None = None) -> Mapping[str, Feed]:
    """Every feed that can be enabled: the built-in ones, the presets, and those of a file of one's own, which win.

    Raises WrongFeeds, and OSError when the file can't be read.
    """
    return {**_shipped(), **(read_feeds(own) if own else {})}


def enabled_feeds(
    names: Iterable[str], urls: Mapping[str, str], firds_categories: str, own: Path | None = None
) -> Mapping[str, Feed]:
    """The feeds of these names, some of them at other addresses."""
    declared = declared_feeds(own)
    chosen = [replace(declared[name], url=urls.get(name, declared[name].url)) for name in names]
    return {feed.name: _of_categories(feed, firds_categories) for feed in chosen}


def _of_categories(feed: Feed, categories: str) -> Feed:
    if not isinstance(feed.format, Firds) or not isinstance(feed.source, (SolrList, ElasticList)):
        return feed
    return replace(
        feed, format=replace(feed.format, categories=categories), source=replace(feed.source, categories=categories)
    )


@cache
def _shipped() -> Mapping[str, Feed]:
    return {**{feed.name: feed for feed in _BUILT_IN}, **presets()}
