"""Collect: what the publisher has published, and its files in the spool folder."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from isin_worker.errors import FetchFailed, NotThere, PartsMissing
from isin_worker.feeds import Feed
from isin_worker.feeds.source import FixedUrl, NotListed, Release, RemoteFile, Span
from isin_worker.pipeline.batches import Delivery, ListFile
from isin_worker.pipeline.fetch import Download, Limits, fetch, require_allowed
from isin_worker.pipeline.page import LOOKED_AT, page_told
from isin_worker.pipeline.parse.reader import FileRows, Numbering
from isin_worker.pipeline.spool import Part, Validators

MEBIBYTE = 1024 * 1024
MAX_ANSWER = 8 * MEBIBYTE
"""Bytes of a page, or of a list of files."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the list that stands."""

    validators: Validators
    version: str | None


class Collector:
    """Brings the files of a feed into a folder."""

    def __init__(self, client: httpx.AsyncClient, feed: Feed, folder: Path, *, seconds: float) -> None:
        self._client = client
        self._feed = feed
        self._folder = folder
        self._limits = Limits(feed.max_bytes, seconds, feed.allowed_hosts)

    async def collect(self, span: Span, owner: str, known: Known | None) -> Delivery | None:
        """What is published; None when the publisher says that it is the ``known`` edition, or has nothing newer.

        Raises FetchFailed, PartsMissing when no file is there any more that is waited for, and OSError when the folder
        can't be written.
        """
        release = await self._release(span, owner)
        if known is not None and not release.missing and not release.files:
            return None
        if known is not None and release.version and release.version == known.version:
            return None
        # A validator speaks of one file. A release of several has its version.
        validators = known.validators if known is not None and len(release.files) == 1 else None
        missing = [f"{name} (not listed)" for name in release.missing]
        found: list[tuple[RemoteFile, Download]] = []
        for number, file in enumerate(release.files):
            try:
                download = await self._download(file, f"{owner}-{number}", validators)
            except NotThere as error:
                # What is listed and not there is waited for like what is not listed. A fixed address has no list.
                if isinstance(self._feed.source, FixedUrl) or not span.final:
                    raise
                missing.append(f"{file.name} ({error})")
            else:
                if download is None:
                    return None
                found.append((file, download))
        if not found:
            raise PartsMissing(f"missing: {', '.join(missing)}")
        return self._delivery(release, found, missing)

    async def _release(self, span: Span, owner: str) -> Release:
        source, url = self._feed.source, self._feed.url
        answer, question = b"", source.question(url, span)
        if question is not None:
            part = Part(self._folder / f"{owner}-list.part", question)
            limits = Limits(MAX_ANSWER, self._limits.seconds, self._limits.hosts)
            found = await fetch(self._client, question, part, headers=self._feed.headers, known=None, limits=limits)
            assert found is not None  # noqa: S101 - nothing was asked on a condition
            answer, url = found.path.read_bytes(), question
            part.discard()
        try:
            release = source.release(answer, url, span)
        except NotListed as error:
            page = page_told(answer)
            raise FetchFailed(f"{error}: it is {page}" if page else str(error)) from error
        for file in release.files:
            require_allowed(file.url, self._limits.hosts)
        return release

    async def _download(self, file: RemoteFile, name: str, known: Validators | None) -> Download | None:
        """The file; once more from its first byte when it is not the one that is listed, as that may mend itself."""
        part = Part(self._folder / f"{name}.part", file.url)
        part.adopt(self._folder)
        download = await self._fetch(file.url, part, known)
        if download is not None and _differs(file, download):
            part.discard()
            download = await self._fetch(file.url, part, None)
        return download

    async def _fetch(self, url: str, part: Part, known: Validators | None) -> Download | None:
        download = await fetch(self._client, url, part, headers=self._feed.headers, known=known, limits=self._limits)
        if download is not None and (page := page_told(_start_of(download.path))):
            part.discard()
            raise FetchFailed(f"the publisher sent {page}, instead of the list")
        return download

    def _delivery(
        self, release: Release, found: Sequence[tuple[RemoteFile, Download]], missing: Sequence[str]
    ) -> Delivery:
        numbering = Numbering()
        downloads = [download for _, download in found]
        single = downloads[0] if len(downloads) == 1 else None
        together = "".join(download.sha256 for download in downloads).encode()
        return Delivery(
            files=[ListFile(FileRows(self._feed, got.path, file.mode, numbering), file.mode) for file, got in found],
            url=single.url if single else self._feed.url,
            bytes=sum(download.bytes for download in downloads),
            sha256=single.sha256 if single else hashlib.sha256(together).hexdigest(),
            etag=single.validators.etag if single else None,
            last_modified=single.validators.last_modified if single else None,
            version=release.version,
            parts_missing=missing,
            checksum_differs=[file.url for file, got in found if _differs(file, got)],
        )


def _start_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LOOKED_AT)


def _differs(file: RemoteFile, download: Download) -> bool:
    return file.md5 is not None and file.md5.lower() != download.md5
