"""Collect: what the publisher has published, and its files in the spool folder."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from isin_worker.errors import FetchFailed
from isin_worker.feeds import Feed
from isin_worker.feeds.source import NotListed, Release, RemoteFile, Span
from isin_worker.pipeline.batches import Delivery, ListFile
from isin_worker.pipeline.fetch import Download, Limits, fetch, require_allowed
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

        Raises FetchFailed, and OSError when the folder can't be written.
        """
        release = await self._release(span, owner)
        if known is not None and (not release.files or (release.version and release.version == known.version)):
            return None
        # A validator speaks of one file. A release of several has its version.
        validators = known.validators if known is not None and len(release.files) == 1 else None
        downloads: list[Download] = []
        for number, file in enumerate(release.files):
            download = await self._download(file, f"{owner}-{number}", validators)
            if download is None:
                return None
            downloads.append(download)
        return self._delivery(release, downloads)

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
            raise FetchFailed(str(error)) from error
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
        return await fetch(self._client, url, part, headers=self._feed.headers, known=known, limits=self._limits)

    def _delivery(self, release: Release, downloads: Sequence[Download]) -> Delivery:
        numbering = Numbering()
        pairs = list(zip(release.files, downloads, strict=True))
        single = downloads[0] if len(downloads) == 1 else None
        together = "".join(download.sha256 for download in downloads).encode()
        return Delivery(
            files=[ListFile(FileRows(self._feed, got.path, file.mode, numbering), file.mode) for file, got in pairs],
            url=single.url if single else self._feed.url,
            bytes=sum(download.bytes for download in downloads),
            sha256=single.sha256 if single else hashlib.sha256(together).hexdigest(),
            etag=single.validators.etag if single else None,
            last_modified=single.validators.last_modified if single else None,
            version=release.version,
            parts_missing=release.missing,
            checksum_differs=[file.url for file, got in pairs if _differs(file, got)],
        )


def _differs(file: RemoteFile, download: Download) -> bool:
    return file.md5 is not None and file.md5.lower() != download.md5
