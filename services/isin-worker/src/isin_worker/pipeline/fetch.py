"""Download: a conditional GET into a spool file, capped in size and time."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from isin_worker.errors import FetchFailed
from isin_worker.feeds import Feed

MAX_REDIRECTS = 5


@dataclass(frozen=True, slots=True)
class Validators:
    """What the publisher said of the list that we have (RFC 9110, section 8.8)."""

    etag: str | None
    last_modified: str | None

    def headers(self) -> dict[str, str]:
        """The headers that ask for the list only if it is another one."""
        headers = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in headers.items() if value}


@dataclass(frozen=True, slots=True)
class Download:
    """A list in the spool folder. ``bytes`` and ``sha256`` are those of the file, after any content coding."""

    path: Path
    bytes: int
    sha256: str
    validators: Validators


async def fetch(
    client: httpx.AsyncClient, feed: Feed, path: Path, *, known: Validators | None, seconds: float
) -> Download | None:
    """Download the feed's list to ``path``; None when the publisher says that it is still the ``known`` one.

    Raises FetchFailed, and OSError when the spool folder can't be written.
    """
    try:
        async with asyncio.timeout(seconds), _answer(client, feed, known) as response:
            if response.status_code == httpx.codes.NOT_MODIFIED and known is not None:
                return None
            if response.status_code != httpx.codes.OK:
                raise FetchFailed(f"the publisher answered {response.status_code}")
            return await _spool(response, path, feed.max_bytes)
    except TimeoutError as error:
        raise FetchFailed(f"the download took more than {seconds:g} s") from error
    except httpx.HTTPError as error:
        raise FetchFailed(f"the download failed: {str(error) or type(error).__name__}") from error


@asynccontextmanager
async def _answer(client: httpx.AsyncClient, feed: Feed, known: Validators | None) -> AsyncIterator[httpx.Response]:
    headers = {**feed.headers, **(known.headers() if known else {})}
    request = client.build_request("GET", feed.url, headers=headers)
    for _ in range(MAX_REDIRECTS):
        response = await client.send(request, stream=True)
        try:
            if response.next_request is None:
                yield response
                return
            request = _same_place(request, response.next_request)
        finally:
            await response.aclose()
    raise FetchFailed(f"more than {MAX_REDIRECTS} redirects")


def _same_place(request: httpx.Request, redirected: httpx.Request) -> httpx.Request:
    """The redirected request, if it stays on its host and does not fall back from TLS."""
    there, here = redirected.url, request.url
    if there.host != here.host or there.scheme not in {here.scheme, "https"}:
        raise FetchFailed(f"the publisher sends us to {there.scheme}://{there.host}, which is not where its lists are")
    return redirected


async def _spool(response: httpx.Response, path: Path, max_bytes: int) -> Download:
    if int(response.headers.get("content-length", "0")) > max_bytes:
        raise FetchFailed(f"the list has more than {max_bytes} bytes")
    digest = hashlib.sha256()
    size = 0
    file = await asyncio.to_thread(path.open, "wb")
    try:
        async for chunk in response.aiter_bytes(64 * 1024):
            size += len(chunk)
            if size > max_bytes:
                raise FetchFailed(f"the list has more than {max_bytes} bytes")
            digest.update(chunk)
            file.write(chunk)
    finally:
        file.close()
    validators = Validators(response.headers.get("etag"), response.headers.get("last-modified"))
    return Download(path, size, digest.hexdigest(), validators)
