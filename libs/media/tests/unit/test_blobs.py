"""The blob store: under the digest of the content, durable, and clear about what fails."""

import asyncio
import hashlib
import os
import resource
from pathlib import Path

import pytest

from media.blobs import BlobStore
from media.errors import BlobError, BlobNotFound

CONTENT = b"the bytes of a picture"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(params=["file", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    if request.param == "s3":
        return BlobStore(request.getfixturevalue("s3_url"))
    return BlobStore(f"file://{tmp_path}/blobs" if request.param == "file" else "memory:///")


async def test_what_is_stored_is_found_under_its_digest(store: BlobStore) -> None:
    assert await store.put(CONTENT) == DIGEST
    assert await store.get(DIGEST) == CONTENT


async def test_storing_it_again_is_harmless(store: BlobStore) -> None:
    assert [await store.put(CONTENT), await store.put(CONTENT)] == [DIGEST, DIGEST]
    assert await store.get(DIGEST) == CONTENT


async def test_what_was_never_stored_is_not_found(store: BlobStore) -> None:
    with pytest.raises(BlobNotFound):
        await store.get("0" * 64)


async def test_a_file_half_written_in_a_crash_is_mended_by_storing_it_again(tmp_path: Path) -> None:
    store = BlobStore(f"file://{tmp_path}")
    await store.put(CONTENT)
    place = tmp_path / DIGEST[:2] / DIGEST[2:4] / DIGEST
    place.write_bytes(CONTENT[:5])
    await store.put(CONTENT)
    assert await store.get(DIGEST) == CONTENT


async def test_file_and_folders_reach_the_disk_before_put_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    fsync = os.fsync

    def watch(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().relative_to(tmp_path))
        fsync(descriptor)

    monkeypatch.setattr("os.fsync", watch)
    await BlobStore(f"file://{tmp_path}").put(CONTENT)
    upper, lower = Path(DIGEST[:2]), Path(DIGEST[:2]) / DIGEST[2:4]
    assert synced == [lower / DIGEST, lower, upper, Path()]


async def test_a_store_that_can_not_be_written_says_so(tmp_path: Path) -> None:
    store = BlobStore(f"file://{tmp_path}")
    (tmp_path / DIGEST[:2]).write_text("in the way")
    with pytest.raises(BlobError):
        await store.put(CONTENT)


async def test_s3_that_is_away_is_an_error_within_seconds(
    s3_url: str, unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{unused_tcp_port}")
    store = BlobStore(s3_url)
    async with asyncio.timeout(15):  # by default it would be tried for three minutes
        for call in (store.put(CONTENT), store.get(DIGEST), store.delete(DIGEST)):
            with pytest.raises(BlobError):
                await call


async def test_a_bucket_that_does_not_exist_is_an_error(s3_url: str) -> None:
    with pytest.raises(BlobError):
        await BlobStore(s3_url.replace("pictures", "nowhere")).put(CONTENT)


async def test_what_is_deleted_is_gone_and_deleting_it_again_is_harmless(store: BlobStore) -> None:
    await store.put(CONTENT)
    await store.delete(DIGEST)
    await store.delete(DIGEST)
    with pytest.raises(BlobNotFound):
        await store.get(DIGEST)
    await store.put(CONTENT)
    assert await store.get(DIGEST) == CONTENT


async def test_deleting_takes_what_a_crash_left_of_the_same_blob(tmp_path: Path) -> None:
    store = BlobStore(f"file://{tmp_path}")
    await store.put(CONTENT)
    place = tmp_path / DIGEST[:2] / DIGEST[2:4]
    (place / f"{DIGEST}#1").write_bytes(CONTENT[:5])
    other = place / (DIGEST[:-1] + "x")
    other.write_bytes(b"another blob")
    await store.delete(DIGEST)
    assert list(place.iterdir()) == [other]


async def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    store = BlobStore(f"file://{tmp_path}")
    large = os.urandom(3_000_000)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))  # the system refuses the rest, as on a full disk
    try:
        with pytest.raises(BlobError):
            await store.put(large)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert _files(tmp_path) == []
    await store.put(large)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
