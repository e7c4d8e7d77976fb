"""The lists that are read: one file for each publisher, declarations only."""

from collections.abc import Mapping
from dataclasses import replace

from isin_worker.feeds.feed import Feed
from isin_worker.feeds.nse_equity import NSE_EQUITY

__all__ = ["BUILT_IN", "Feed", "with_urls"]

BUILT_IN: Mapping[str, Feed] = {feed.name: feed for feed in (NSE_EQUITY,)}


def with_urls(urls: Mapping[str, str]) -> Mapping[str, Feed]:
    """The built-in feeds, some of them at other addresses."""
    return {name: replace(feed, url=urls.get(name, feed.url)) for name, feed in BUILT_IN.items()}
