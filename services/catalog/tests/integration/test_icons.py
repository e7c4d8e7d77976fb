"""Icons: what is taken, what becomes of it, and where it is found."""

import struct
import zlib
from typing import Any
from uuid import uuid4

import pytest

pytestmark = pytest.mark.integration

ANY = {"If-Match": "*"}


def png(width: int = 64, height: int = 64, *, shade: int = 90, note: bytes = b"") -> bytes:
    """A grey picture, made by hand so that this service needs no picture library."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes([shade]) * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = [chunk(b"IHDR", head), chunk(b"tEXt", b"Comment\0" + note), chunk(b"IDAT", zlib.compress(rows))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


async def test_an_icon_is_made_anew_and_served_for_ever(add_app: Any, admin: Any, anyone: Any) -> None:
    app = await add_app()
    path = f"/api/v1/apps/{app['id']}"
    put = await admin.put(f"{path}/icon", content=png(note=b"taken at home"), headers={"Content-Type": "image/png"})
    assert put.status_code == 200, put.text
    url = put.json()["icon_url"]
    assert url.startswith(f"{path}/icon/")
    assert put.json() == app | {"icon_url": url, "updated_at": put.json()["updated_at"]}
    read = await anyone.get(path)
    assert (read.json(), read.headers["ETag"]) == (put.json(), put.headers["ETag"])
    icon = await anyone.get(url)
    assert (icon.status_code, icon.headers["Content-Type"]) == (200, "image/webp")
    assert icon.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert icon.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in icon.headers["Content-Security-Policy"]
    assert icon.content[:4] == b"RIFF"
    assert b"taken at home" not in icon.content
    assert (await anyone.get(url, headers={"If-None-Match": icon.headers["ETag"]})).status_code == 304


async def test_another_icon_has_another_address_and_the_same_one_is_no_change(add_app: Any, admin: Any) -> None:
    path = f"/api/v1/apps/{(await add_app())['id']}"
    first = (await admin.put(f"{path}/icon", content=png(shade=10))).json()
    assert (await admin.put(f"{path}/icon", content=png(shade=10))).json() == first
    second = (await admin.put(f"{path}/icon", content=png(shade=200))).json()
    assert second["icon_url"] != first["icon_url"]
    assert (await admin.get(first["icon_url"])).status_code == 404
    assert (await admin.get(second["icon_url"])).status_code == 200
    assert (await admin.delete(f"{path}/icon")).status_code == 428
    assert (await admin.delete(f"{path}/icon", headers=ANY)).status_code == 204
    assert (await admin.get(path)).json()["icon_url"] is None
    assert (await admin.get(second["icon_url"])).status_code == 404
    actions = [event["action"] for event in (await admin.get(f"{path}/audit-events")).json()["items"]]
    assert actions == ["icon", "icon", "icon", "publish", "create"]


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 415, "unsupported-icon"),
        (b"GIF89a" + bytes(100), 415, "unsupported-icon"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "unsupported-icon"),
        (png()[:60], 422, "icon-refused"),
        (png(47, 64), 422, "icon-refused"),
        (png(1, 1)[:16] + struct.pack(">II", 40_000, 40_000) + png(1, 1)[24:], 422, "icon-refused"),
        (bytes(4 * 1024 * 1024 + 1), 413, "content-too-large"),
    ],
)
async def test_what_is_no_icon_is_refused_and_changes_nothing(
    add_app: Any, admin: Any, content: bytes, status: int, code: str
) -> None:
    app = await add_app()
    refused = await admin.put(f"/api/v1/apps/{app['id']}/icon", content=content)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert (await admin.get(f"/api/v1/apps/{app['id']}")).json() == app


async def test_an_icon_heeds_if_match_and_needs_an_app(add_app: Any, admin: Any) -> None:
    path = f"/api/v1/apps/{(await add_app())['id']}/icon"
    assert (await admin.put(path, content=png(), headers={"If-Match": '"stale"'})).status_code == 412
    assert (await admin.put(f"/api/v1/apps/{uuid4()}/icon", content=png())).status_code == 404
    assert (await admin.get(f"{path}/{'0' * 64}.webp")).status_code == 404
    assert (await admin.get(f"{path}/..%2Fx.webp")).status_code in {404, 422}


async def test_only_administrators_change_icons(add_app: Any, as_user: Any) -> None:
    path = f"/api/v1/apps/{(await add_app())['id']}/icon"
    for client, status in ((as_user(None), 401), (as_user("user", "reviewer"), 403)):
        assert (await client.put(path, content=png())).status_code == status
        assert (await client.delete(path, headers=ANY)).status_code == status
