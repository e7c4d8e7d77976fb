"""Where pictures are kept: under the SHA-256 of their bytes, so the same bytes are stored once and never change."""

import asyncio
import hashlib
import os
from datetime import timedelta
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, from_url

from media.errors import BlobError, BlobNotFound

_RETRIES = 2  # by default a store that is away would be tried for three minutes
_RETRY_FOR = timedelta(seconds=8)


def digest_of(content: bytes) -> str:
    """The name of a blob: the SHA-256 of its bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


class BlobStore:
    """Blobs in a folder (``file:///path``), in memory (``memory:///``), or in any object store that obstore knows."""

    def __init__(self, url: str) -> None:
        if url.startswith("file:"):
            self._store = from_url(url, mkdir=True)
        else:
            self._store = from_url(url, retry_config={"max_retries": _RETRIES, "retry_timeout": _RETRY_FOR})

    async def put(self, content: bytes) -> str:
        """Store ``content`` durably and return its SHA-256 in hexadecimal. Storing it again is harmless.

        Raises:
            BlobError: it could not be stored.
        """
        digest = digest_of(content)
        try:
            # Written even when it is there: a crash may have left a file that never reached the disk in full.
            await obstore.put_async(self._store, _path(digest), content, use_multipart=False)
            if isinstance(self._store, LocalStore):
                await asyncio.to_thread(_sync, Path(str(self._store.prefix)), _path(digest))
        except (BaseError, OSError) as error:
            raise BlobError(f"can't store {len(content)} bytes: {type(error).__name__}") from error
        return digest

    async def get(self, digest: str) -> bytes:
        """The content stored under this SHA-256.

        Raises:
            BlobNotFound: there is none.
            BlobError: the store can't be read.
        """
        try:
            result = await obstore.get_async(self._store, _path(digest))
            return bytes(await result.bytes_async())
        except FileNotFoundError as error:
            raise BlobNotFound(digest) from error
        except (BaseError, OSError) as error:
            raise BlobError(f"can't read {digest}: {type(error).__name__}") from error

    async def delete(self, digest: str) -> None:
        """Forget what is stored under this SHA-256, and what an interrupted `put` of it left, if there is anything.

        Nobody may be storing the same content meanwhile.

        Raises:
            BlobError: the store can't be written.
        """
        try:
            await obstore.delete_async(self._store, _path(digest))
        except FileNotFoundError:
            pass
        except (BaseError, OSError) as error:
            raise BlobError(f"can't delete {digest}: {type(error).__name__}") from error
        if isinstance(self._store, LocalStore):
            await asyncio.to_thread(_unlink_parts, Path(str(self._store.prefix)) / _path(digest))


def _path(digest: str) -> str:
    return f"{digest[:2]}/{digest[2:4]}/{digest}"


def _sync(root: Path, path: str) -> None:
    """Bring a new file and the names that lead to it to the disk: obstore renames it into place, but never syncs."""
    place = root / path
    for name in (place, *place.parents[: len(Path(path).parts)]):
        descriptor = os.open(name, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _unlink_parts(place: Path) -> None:
    """obstore writes to ``<name>#<number>`` first, which a crash leaves behind."""
    for part in place.parent.glob(f"{place.name}#*"):
        part.unlink(missing_ok=True)
