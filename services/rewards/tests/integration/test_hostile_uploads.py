"""What people should not send as a proof, through the API: each is refused, and nothing of it stays."""

import io
import os
import resource
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from rewards_service.main import create_app
from rewards_service.settings import Settings
from servicekit import testing

pytestmark = pytest.mark.integration
BY_PILLOW = (
    "AVIF", "BLP", "BMP", "BUFR", "DDS", "DIB", "EPS", "GIF", "GRIB", "HDF5", "ICNS", "ICO", "JPEG2000", "MSP",
    "PALM", "PCX", "PDF", "PPM", "QOI", "SGI", "SPIDER", "TGA", "TIFF", "WMF", "XBM",
)  # fmt: skip
BY_HAND = {
    "svg": b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "html": b"<!doctype html><script>alert(1)</script>",
    "javascript": b"/*\x89PNG*/ alert(1)",
    "php": b"<?php system($_GET['x']); ?>",
    "postscript": b"%!PS-Adobe-3.0\n(hello) show",
    "psd": b"8BPS\0\1" + bytes(500),
    "xcf": b"gimp xcf v011\0" + bytes(500),
    "heic": struct.pack(">I", 24) + b"ftypheic\0\0\0\0mif1heic" + bytes(500),
    "cr3": struct.pack(">I", 24) + b"ftypcrx \0\0\0\1crx isom" + bytes(500),
    "mp4": struct.pack(">I", 24) + b"ftypisom\0\0\2\0isomiso2" + bytes(500),
    "jpeg xl": b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(500),
    "jpeg xl stream": b"\xff\x0a" + bytes(500),
    "jpeg xr": b"II\xbc\x01" + bytes(500),
    "exr": b"v/1\x01\x02\0\0\0" + bytes(500),
    "hdr": b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 400 +X 400\n" + bytes(500),
    "flif": b"FLIF44" + bytes(500),
    "bpg": b"BPG\xfb" + bytes(500),
    "mng": b"\x8aMNG\r\n\x1a\n" + bytes(500),
    "jng": b"\x8bJNG\r\n\x1a\n" + bytes(500),
    "wav": b"RIFF\x24\x02\0\0WAVEfmt " + bytes(500),
    "avi": b"RIFF\x24\x02\0\0AVI LIST" + bytes(500),
    "cursor": b"\0\0\2\0\1\0" + bytes(500),
    "zip": b"PK\3\4" + bytes(500),
    "gzip": b"\x1f\x8b\x08" + bytes(500),
    "elf": b"\x7fELF\2\1\1" + bytes(500),
    "windows program": b"MZ\x90\0" + bytes(500),
    "png without its head": b"PNG\r\n\x1a\n" + bytes(500),
    "png in another line ending": b"\x89PNG\n\x1a\n" + bytes(500),
    "jpeg's first two bytes": b"\xff\xd8" + bytes(500),
    "text": b"This is my proof.",
    "one byte": b"\x89",
}
TAKEN_KINDS_DAMAGED = {
    "only the head of a PNG": b"\x89PNG\r\n\x1a\n" + bytes(500),
    "only the head of a JPEG": b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(500),
    "only the head of a WebP": b"RIFF\x10\0\0\0WEBP" + bytes(500),
}


def _encoded(size: tuple[int, int] = (400, 400), kind: str = "PNG", mode: str = "RGB", **options: Any) -> bytes:
    content = io.BytesIO()
    Image.new(mode, size).save(content, kind, **options)
    return content.getvalue()


def _other_formats() -> dict[str, bytes]:
    made = dict(BY_HAND)
    Image.init()
    for kind in BY_PILLOW:
        for mode in ("RGB", "1", "L", "P"):
            try:
                made[kind] = _encoded(kind=kind, mode=mode)
            except (OSError, ValueError, KeyError):
                continue  # not in this mode, or only with a library that is not here
            break
    return made


def _refused(answer: Any) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail" if answer.status_code != 422 else "errors"]
    return answer.status_code, answer.json()["code"]


def _files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


async def _started(user: Any, offered: Any) -> str:
    return str((await user.start(offered())).json()["id"])


async def _is_unchanged(user: Any, task_id: str) -> bool:
    task = (await user.get(f"/api/v1/tasks/{task_id}")).json()
    return (task["status"], task["attempts_left"], task["proof_id"]) == ("started", 3, None)


async def test_more_than_forty_other_formats_are_refused(person: Any, offered: Any, blob_folder: Path) -> None:
    formats = _other_formats()
    assert len(formats) >= 40, sorted(formats)
    user, before = person(), _files(blob_folder)
    task_id = await _started(user, offered)
    found = {name: _refused(await user.send_proof(task_id, content)) for name, content in formats.items()}
    assert {name: refusal for name, refusal in found.items() if refusal != (415, "unsupported-picture")} == {}
    assert await _is_unchanged(user, task_id)
    assert _files(blob_folder) == before


@pytest.mark.parametrize("content", TAKEN_KINDS_DAMAGED.values(), ids=TAKEN_KINDS_DAMAGED.keys())
async def test_a_head_without_a_picture_is_refused(person: Any, offered: Any, content: bytes) -> None:
    user = person()
    task_id = await _started(user, offered)
    answer = await user.send_proof(task_id, content)
    assert _refused(answer) == (422, "picture-refused")
    assert answer.json()["errors"][0]["code"] == "undecodable"
    assert await _is_unchanged(user, task_id)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
async def test_a_truncated_picture_is_refused(person: Any, offered: Any, kind: str, share: float) -> None:
    content = io.BytesIO()
    Image.effect_noise((400, 400), 60).convert("RGB").save(content, kind)
    user = person()
    task_id = await _started(user, offered)
    cut = content.getvalue()[: int(len(content.getvalue()) * share)]
    assert _refused(await user.send_proof(task_id, cut)) == (422, "picture-refused")
    assert await _is_unchanged(user, task_id)


def _bomb() -> bytes:
    """A PNG without a fault, 165 megapixels in 480 kB: 661 MB once decoded."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    side = 12_855
    packer, line = zlib.compressobj(9), bytes(1 + side * 3)
    data = b"".join(packer.compress(line) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


async def test_bombs_and_what_is_too_small_or_too_large_say_so(person: Any, offered: Any) -> None:
    user = person()
    task_id = await _started(user, offered)
    for content, code in (
        (_bomb(), "too-large"),
        (_encoded((5000, 5001), mode="1"), "too-large"),
        (_encoded((5, 5)), "too-small"),
        (_encoded((319, 4000)), "too-small"),
        (_encoded((400, 400), save_all=True, append_images=[Image.new("RGB", (400, 400), "red")]), "animated"),
    ):
        answer = await user.send_proof(task_id, content)
        assert _refused(answer) == (422, "picture-refused")
        assert answer.json()["errors"][0]["code"] == code
    assert await _is_unchanged(user, task_id)


def _polyglots(picture: bytes) -> dict[str, bytes]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("canary.html", "<script>alert('CANARY')</script>")
    return {
        "zip behind": picture + archive.getvalue(),
        "page behind": picture + b"<html><script>alert('CANARY')</script></html>",
        "page in a comment": _encoded(kind="JPEG", comment=b"<script>alert('CANARY')</script>"),
    }


@pytest.mark.parametrize("name", ["zip behind", "page behind", "page in a comment"])
async def test_only_the_picture_in_a_polyglot_is_kept(
    person: Any, offered: Any, blob_folder: Path, picture: Callable[..., bytes], name: str
) -> None:
    user, before = person(), _files(blob_folder)
    sent = await user.send_proof(await _started(user, offered), _polyglots(picture(colour=(1, 2, 77)))[name])
    assert sent.status_code == 201
    image = await user.get(f"/api/v1/proofs/{sent.json()['id']}/image")
    assert image.headers["x-content-type-options"] == "nosniff"
    assert not zipfile.is_zipfile(io.BytesIO(image.content))
    for made in (image.content, *(path.read_bytes() for path in _files(blob_folder) - before)):
        assert b"CANARY" not in made
        assert b"canary" not in made


@pytest.mark.parametrize(
    ("name", "declared"),
    [("proof.jpg", "image/jpeg"), ("proof.svg", "image/svg+xml"), ("../../etc/passwd", "text/html"), ("", "nonsense")],
)
async def test_name_and_declared_type_are_not_looked_at(
    person: Any, offered: Any, picture: Callable[..., bytes], name: str, declared: str
) -> None:
    user = person()
    files = {"file": (name or "x", picture(), declared)}
    sent = await user.post(f"/api/v1/tasks/{await _started(user, offered)}/proofs", files=files)
    assert sent.status_code == 201
    image = await user.get(f"/api/v1/proofs/{sent.json()['id']}/image")
    assert image.headers["content-type"] == "image/png"
    assert image.headers["content-disposition"] == f'inline; filename="proof-{sent.json()["id"]}.png"'


async def test_a_range_gets_the_whole_picture_and_head_its_header(
    person: Any, offered: Any, picture: Callable[..., bytes]
) -> None:
    user = person()
    sent = (await user.send_proof(await _started(user, offered), picture())).json()
    path = f"/api/v1/proofs/{sent['id']}/image"
    whole = await user.get(path)
    for wanted in ("bytes=0-9", "bytes=5-", "bytes=-3", "bytes=99999999-", "bytes=9-1,2-3", "lines=1-2"):
        part = await user.get(path, headers={"Range": wanted})
        assert (part.status_code, part.content) == (200, whole.content)
        assert part.headers["accept-ranges"] == "none"
    head = await user.client.head(path)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", whole.headers["etag"])


async def test_an_upload_that_is_cut_leaves_nothing(
    app: Any, person: Any, offered: Any, blob_folder: Path, picture: Callable[..., bytes]
) -> None:
    user, before = person(), _files(blob_folder)
    task_id = await _started(user, offered)
    messages = iter([
        {"type": "http.request", "body": b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + picture()[:90],
         "more_body": True},
        {"type": "http.disconnect"},
    ])  # fmt: skip
    path = f"/api/v1/tasks/{task_id}/proofs"
    headers = {
        "authorization": user.client.headers["Authorization"],
        "content-type": "multipart/form-data; boundary=b",
        "idempotency-key": "k",
    }
    statuses: list[int] = []

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        statuses.append(message.get("status", 0))

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "state": {},
    }  # fmt: skip
    await app(scope, receive, send)
    assert statuses[0] == 400
    assert await _is_unchanged(user, task_id)
    assert _files(blob_folder) == before
    assert (await user.send_proof(task_id, key="k")).status_code == 201


@contextmanager
def _files_of_at_most(size: int) -> Iterator[None]:
    """The system refuses to let a file grow beyond that, as it does on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _noise(quality: int) -> bytes:
    content = io.BytesIO()
    Image.frombytes("RGB", (900, 900), os.urandom(900 * 900 * 3)).save(content, "JPEG", quality=quality)
    return content.getvalue()


@pytest.mark.parametrize("full", ["for the upload", "for the picture"])
async def test_a_full_disk_is_a_503_and_changes_nothing(
    person: Any, offered: Any, blob_folder: Path, full: str
) -> None:
    user, before = person(), _files(blob_folder)
    task_id, content = await _started(user, offered), _noise(quality=30)
    assert 100_000 < len(content) < 500_000  # and as a PNG it has more than a megabyte
    with _files_of_at_most(50_000 if full == "for the upload" else 600_000):
        answer = await user.send_proof(task_id, content, key="a-key")
    assert _refused(answer) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert await _is_unchanged(user, task_id)
    assert _files(blob_folder) == before
    assert (await user.send_proof(task_id, content, key="a-key")).status_code == 201


async def test_a_proof_goes_to_s3_and_comes_back(
    settings: Settings, s3_url: str, person: Any, offered: Any, catalog: Any, accounts: Any
) -> None:
    user = person()
    task_id = await _started(user, offered)
    on_s3 = settings.model_copy(update={"blob_url": s3_url, "database_pool_size": 3})
    app = create_app(on_s3, keys=testing.test_keys(), catalog=catalog, accounts=accounts)
    token = user.client.headers["Authorization"].removeprefix("Bearer ")
    async with testing.running(app), testing.client_of(app, token) as client:
        files = {"file": ("x.png", _noise(quality=50), "image/png")}
        sent = await client.post(f"/api/v1/tasks/{task_id}/proofs", files=files, headers={"Idempotency-Key": "k"})
        assert sent.status_code == 201, sent.text
        image = await client.get(f"/api/v1/proofs/{sent.json()['id']}/image")
        assert Image.open(io.BytesIO(image.content)).size == (900, 900)
    # The service of the other tests has another store: the picture is not there.
    assert (await user.get(f"/api/v1/proofs/{sent.json()['id']}/image")).status_code == 503
