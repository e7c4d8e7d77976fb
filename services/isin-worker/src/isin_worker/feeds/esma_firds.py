"""ESMA: every instrument that is traded on a venue of the European Union."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time
from urllib.parse import urlencode

from isin_worker.feeds import firds
from isin_worker.feeds.feed import MEBIBYTE, Feed
from isin_worker.feeds.formats import Firds
from isin_worker.feeds.source import NotListed, Release, Span

CATEGORIES = "CDE"
"""Funds, debt, equities. Derivatives (F, H, I, J, O, S) are many times as many."""


@dataclass(frozen=True, slots=True)
class SolrList:
    """ESMA's register of files: a search that answers in JSON, with an MD5 for each file."""

    categories: str
    rows: int = 1000

    def question(self, url: str, span: Span) -> str | None:
        """The search for all files from which the list may come."""
        days = f"[{firds.look_back(span)}T00:00:00Z TO {span.until}T23:59:59Z]"
        query = {"q": "*", "fq": f"publication_date:{days}", "wt": "json", "start": 0, "rows": self.rows}
        return f"{url}?{urlencode(query)}"

    def release(self, answer: bytes, url: str, span: Span) -> Release:  # noqa: ARG002 - the links are whole
        """The files. Raises NotListed."""
        try:
            response = json.loads(answer)["response"]
            found = list(_listed(response["docs"]))
            total = int(response["numFound"])
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise NotListed("the publisher's answer is not a list of files") from error
        if total > len(response["docs"]):
            raise NotListed(f"the publisher lists {total} files and shows {len(response['docs'])}")
        return firds.release(found, span, self.categories)


def _listed(documents: list[dict[str, str]]) -> Iterator[firds.Listed]:
    for document in documents:
        if file := firds.listed(document["download_link"], document.get("checksum")):
            yield file


ESMA_FIRDS = Feed(
    name="esma-firds",
    title="ESMA, Financial Instruments Reference Data System",
    url="https://registers.esma.europa.eu/solr/esma_registers_firds_files/select",
    terms="https://www.esma.europa.eu/legal-notice",
    source=SolrList(CATEGORIES),
    hosts=frozenset({"firds.esma.europa.eu"}),
    due_at=time(9, 0),  # published by nine o'clock in Paris
    format=Firds(categories=CATEGORIES),
    columns={"isin": "Id"},
    backfill_days=2,
    max_bytes=512 * MEBIBYTE,
    max_unpacked=4096 * MEBIBYTE,
)
