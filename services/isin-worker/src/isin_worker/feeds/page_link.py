"""A list whose address changes: a page of the publisher links to it."""

import re
from dataclasses import dataclass
from html import unescape
from urllib.parse import urljoin

from isin_worker.feeds.source import NotListed, Release, RemoteFile, Span


@dataclass(frozen=True, slots=True)
class PageLink:
    """The first link on the page that ``pattern``, a regular expression, finds in."""

    pattern: str

    def question(self, url: str, span: Span) -> str | None:  # noqa: ARG002 - the page is the same on every day
        """The page."""
        return url

    def release(self, answer: bytes, url: str, span: Span) -> Release:  # noqa: ARG002 - as above
        """The file that is linked to. Raises NotListed."""
        links = re.findall(r"""href\s*=\s*["']?([^"'\s>]+)""", answer.decode(errors="replace"), re.IGNORECASE)
        for link in links:
            if re.search(self.pattern, unescape(link)):
                return Release(files=(RemoteFile(url=urljoin(url, unescape(link))),))
        raise NotListed(f"the page has {len(links)} links, and none of them is to the list")
