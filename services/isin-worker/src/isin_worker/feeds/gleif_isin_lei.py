"""GLEIF and ANNA: which legal entity issued an ISIN."""

import json
from dataclasses import dataclass
from datetime import time

from isin_worker.feeds.feed import MEBIBYTE, Feed
from isin_worker.feeds.source import NotListed, Release, RemoteFile, Span


@dataclass(frozen=True, slots=True)
class LatestMapping:
    """A JSON:API document on the newest file. The address of the file is another one each time, its name is not."""

    def question(self, url: str, span: Span) -> str | None:  # noqa: ARG002 - there is only the newest
        """The document."""
        return url

    def release(self, answer: bytes, url: str, span: Span) -> Release:  # noqa: ARG002 - as above
        """The file, with its name as the version. Raises NotListed."""
        try:
            attributes = json.loads(answer)["data"]["attributes"]
            link, name = attributes["downloadLink"], attributes["fileName"]
        except (ValueError, LookupError, TypeError) as error:
            raise NotListed("the publisher's answer does not name a file") from error
        if not isinstance(link, str) or not isinstance(name, str):
            raise NotListed("the publisher's answer does not name a file")
        return Release(files=(RemoteFile(url=link),), version=name)


GLEIF_ISIN_LEI = Feed(
    name="gleif-isin-lei",
    title="GLEIF and ANNA, ISIN-to-LEI relationships",
    url="https://mapping.gleif.org/api/v2/isin-lei/latest",
    terms="https://www.gleif.org/en/lei-data/lei-mapping/download-isin-to-lei-relationship-files",
    source=LatestMapping(),
    hosts=frozenset({"isinmapping.gleif.org"}),
    due_at=time(8, 0),  # published at about 07:15
    columns={"isin": "ISIN", "lei": "LEI"},
    headers={"Accept": "*/*"},  # `application/json` is answered with 406
    max_bytes=256 * MEBIBYTE,
    max_unpacked=2048 * MEBIBYTE,
)
