"""FCA: every instrument that is traded on a venue of the United Kingdom."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from isin_worker.feeds import firds
from isin_worker.feeds.esma_firds import CATEGORIES, ESMA_FIRDS
from isin_worker.feeds.source import NotListed, Release, Span


@dataclass(frozen=True, slots=True)
class ElasticList:
    """The FCA's register of files: a search that answers in JSON, without checksums."""

    categories: str
    size: int = 1000

    def question(self, url: str, span: Span) -> str | None:
        """The search for all files from which the list may come."""
        days = f"[{firds.look_back(span)} TO {span.until}]"
        query = f"((file_type:FULINS OR file_type:DLTINS) AND (publication_date:{days}))"
        return f"{url}?{urlencode({'q': query, 'from': 0, 'size': self.size})}"

    def release(self, answer: bytes, url: str, span: Span) -> Release:  # noqa: ARG002 - the links are whole
        """The files. Raises NotListed."""
        try:
            hits = json.loads(answer)["hits"]
            found = list(_listed(hits["hits"]))
            total = int(hits["total"]["value"] if isinstance(hits["total"], dict) else hits["total"])
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise NotListed("the publisher's answer is not a list of files") from error
        if total > len(hits["hits"]):
            raise NotListed(f"the publisher lists {total} files and shows {len(hits['hits'])}")
        return firds.release(found, span, self.categories)


def _listed(hits: list[dict[str, Any]]) -> Iterator[firds.Listed]:
    for hit in hits:
        if file := firds.listed(hit["_source"]["download_link"], None):
            yield file


FCA_FIRDS = replace(
    ESMA_FIRDS,
    name="fca-firds",
    title="FCA, Financial Instruments Reference Data System",
    url="https://api.data.fca.org.uk/fca_data_firds_files",
    terms="https://www.fca.org.uk/legal",
    source=ElasticList(CATEGORIES),
    hosts=frozenset({"data.fca.org.uk"}),
)
