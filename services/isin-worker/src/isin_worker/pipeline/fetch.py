"""Download: a conditional GET into a spool file, which goes on where it broke off, capped in size and time."""

import asyncio
from collections.abc import Collection, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx

from isin_worker.errors import FetchFailed, NotThere
from isin_worker.pipeline.page import LOOKED_AT, page_told
from isin_worker.pipeline.spool import Part, Validators

MAX_REDIRECTS = 5


@dataclass(frozen=True, slots=True)
class Download:
    """A file in the spool folder. ``bytes`` and ``sha256`` are those of the file, after any content coding."""

    path: Path
    url: str
    bytes: int
    sha256: str
    md5: str
    validators: Validators


@dataclass(frozen=True, slots=True)
class Limits:
    """What a download may cost, and where it may lead."""

    max_bytes: int
    seconds: float
    hosts: Collection[str]


async def fetch(
    client: httpx.AsyncClient,
    url: str,
    part: Part,
    *,
    headers: Mapping[str, str],
    known: Validators | None,
    limits: Limits,
) -> Download | None:
    """Download ``url``; None when the publisher says that it is still the ``known`` one.

    What ``part`` has already is not sent again, if the publisher agrees that it is of the same file. When the
    connection breaks, ``part`` keeps what came, and as long as each try brings something, another one follows at once.

    Raises FetchFailed, NotThere, and OSError when the spool folder can't be written.
    """
    try:
        return await _patiently(client, url, part, headers, known, limits)
    except BaseException:
        part.keep_if_resumable()
        raise


async def _patiently(
    client: httpx.AsyncClient,
    url: str,
    part: Part,
    headers: Mapping[str, str],
    known: Validators | None,
    limits: Limits,
) -> Download | None:
    """As many tries as bring something."""
    try:
        async with asyncio.timeout(limits.seconds):
            while True:
                had = part.bytes
                try:
                    return await _try(client, url, part, headers, known, limits)
                except httpx.TransportError:
                    if part.bytes <= had:
                        raise
    except TimeoutError as error:
        raise FetchFailed(f"the download took more than {limits.seconds:g} s") from error
    except httpx.HTTPError as error:
        raise FetchFailed(f"the download failed: {str(error) or type(error).__name__}") from error


async def _try(
    client: httpx.AsyncClient,
    url: str,
    part: Part,
    headers: Mapping[str, str],
    known: Validators | None,
    limits: Limits,
) -> Download | None:
    asked = {"Accept-Encoding": "identity", **headers, **(part.range_headers() or _conditional(known))}
    async with AsyncExitStack() as stack:
        response = await _answer(client, url, asked, limits.hosts, stack)
        match response.status_code:
            case httpx.codes.NOT_MODIFIED if known is not None and not part.bytes:
                return None
            case httpx.codes.OK:
                part.restart(Validators.of(response.headers), resumable="content-encoding" not in response.headers)
            case httpx.codes.PARTIAL_CONTENT if part.continues_with(response.headers):
                pass
            case httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE if part.is_whole(response.headers):
                return _download(part, url)
            case httpx.codes.PARTIAL_CONTENT | httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE if part.bytes:
                part.discard()
                return await _try(client, url, part, headers, known, limits)
            case status:
                raise await _refusal(response, status)
        await _spool(response, part, limits.max_bytes)
    return _download(part, url)


async def _refusal(response: httpx.Response, status: int) -> FetchFailed:
    """What to say of an answer without a list; some are pages that say themselves what is wrong."""
    start = b""
    async for chunk in response.aiter_bytes():
        start += chunk
        if len(start) >= LOOKED_AT:
            break
    page = page_told(start)
    told = f"the publisher answered {status}" + (f" with {page}" if page else "")
    return NotThere(told) if status in {httpx.codes.NOT_FOUND, httpx.codes.GONE} else FetchFailed(told)


def _download(part: Part, url: str) -> Download:
    return Download(part.path, url, part.bytes, part.sha256, part.md5, part.validators)


def _conditional(known: Validators | None) -> dict[str, str]:
    return known.conditions() if known else {}


async def _answer(
    client: httpx.AsyncClient, url: str, headers: Mapping[str, str], hosts: Collection[str], stack: AsyncExitStack
) -> httpx.Response:
    request = client.build_request("GET", url, headers=headers)
    for _ in range(MAX_REDIRECTS + 1):
        response = await client.send(request, stream=True)
        if response.next_request is None:
            stack.push_async_callback(response.aclose)
            return response
        await response.aclose()
        request = _allowed(request, response.next_request, hosts)
    raise FetchFailed(f"more than {MAX_REDIRECTS} redirects")


def _allowed(request: httpx.Request, redirected: httpx.Request, hosts: Collection[str]) -> httpx.Request:
    """The redirected request, if it stays on the feed's hosts and does not fall back from TLS."""
    there = redirected.url
    require_allowed(str(there), hosts)
    if there.scheme not in {request.url.scheme, "https"}:
        raise FetchFailed(f"the publisher sends us to {there.scheme}://{there.host}, away from {request.url.scheme}")
    return redirected


def require_allowed(url: str, hosts: Collection[str]) -> None:
    """Raise FetchFailed for an address that is not on one of the feed's hosts."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise FetchFailed("the publisher names an address that is none") from error
    if parsed.host not in hosts or parsed.scheme not in {"http", "https"}:
        raise FetchFailed(
            f"the publisher sends us to {parsed.scheme}://{parsed.host}, which is not where its lists are"
        )


async def _spool(response: httpx.Response, part: Part, max_bytes: int) -> None:
    too_large = FetchFailed(f"the list has more than {max_bytes} bytes")
    promised = response.headers.get("content-length", "0")
    if promised.isdecimal() and part.bytes + int(promised) > max_bytes:
        raise too_large
    with part.open() as write:
        async for chunk in response.aiter_bytes():
            if part.bytes + len(chunk) > max_bytes:
                part.discard()
                raise too_large
            write(chunk)
