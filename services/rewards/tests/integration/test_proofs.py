"""Sending proofs: what is taken, what is refused and when, and who sees the pictures."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from PIL import Image

from rewards_service.routers.upload import MAX_FILE

pytestmark = pytest.mark.integration
Picture = Callable[..., bytes]


def _refused(answer: Any) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


async def _started(user: Any, offered: Any) -> str:
    return str((await user.start(offered())).json()["id"])


async def test_a_proof_hands_the_task_to_the_reviewers(person: Any, offered: Any) -> None:
    user = person()
    task_id = await _started(user, offered)
    sent = await user.send_proof(task_id)
    assert sent.headers["Location"] == f"/api/v1/proofs/{sent.json()['id']}/image"
    task = (await user.get(f"/api/v1/tasks/{task_id}")).json()
    assert (task["status"], task["attempts_left"], task["proof_id"]) == ("submitted", 2, sent.json()["id"])
    assert _refused(await user.send_proof(task_id)) == (409, "proof-not-expected")


async def test_owner_and_reviewer_see_the_picture_and_nobody_else(person: Any, offered: Any, picture: Picture) -> None:
    user = person()
    proof = (await user.send_proof(await _started(user, offered))).json()
    for name, kind in (("image", "image/png"), ("thumbnail", "image/webp")):
        path = f"/api/v1/proofs/{proof['id']}/{name}"
        for viewer in (user, person("reviewer")):
            seen = await viewer.get(path)
            assert (seen.status_code, seen.headers["content-type"]) == (200, kind)
            assert seen.headers["x-content-type-options"] == "nosniff"
            assert (
                seen.headers["content-security-policy"]
                == "sandbox; default-src 'none'; base-uri 'none'; frame-ancestors 'none'"
            )
            assert seen.headers["cross-origin-resource-policy"] == "same-origin"
            assert seen.headers["cache-control"] == "private, no-store"
            assert seen.headers["content-disposition"].startswith("inline; filename=")
            again = await viewer.get(path, headers={"If-None-Match": seen.headers["ETag"]})
            assert (again.status_code, again.content) == (304, b"")
        for stranger in (person(), person("admin")):
            assert _refused(await stranger.get(path)) == (404, "proof-not-found")
    image = await user.get(f"/api/v1/proofs/{proof['id']}/image")
    assert Image.open(io.BytesIO(image.content)).tobytes() == Image.open(io.BytesIO(picture())).tobytes()
    assert _refused(await user.get(f"/api/v1/proofs/{uuid4()}/image")) == (404, "proof-not-found")


async def test_no_metadata_of_the_sender_is_kept(person: Any, offered: Any, blob_folder: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "CANARY-PHONE"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0)})
    content = io.BytesIO()
    Image.new("RGB", (400, 400)).save(content, "JPEG", exif=exif, comment=b"CANARY-COMMENT")
    user = person()
    proof = (await user.send_proof(await _started(user, offered), content.getvalue())).json()
    for name in ("image", "thumbnail"):
        assert b"CANARY" not in (await user.get(f"/api/v1/proofs/{proof['id']}/{name}")).content
    assert not _files_with(b"CANARY", blob_folder)


def _files_with(text: bytes, folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and text in path.read_bytes()]


def _encoded(size: tuple[int, int], kind: str = "PNG", **options: Any) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", size).save(content, kind, **options)
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "refusal", "fault"),
    [
        pytest.param(b"plain text", (415, "unsupported-picture"), None, id="text"),
        pytest.param(_encoded((400, 400), "GIF"), (415, "unsupported-picture"), None, id="gif"),
        pytest.param(_encoded((400, 400))[:-60], (422, "picture-refused"), "undecodable", id="truncated"),
        pytest.param(_encoded((5, 5)), (422, "picture-refused"), "too-small", id="small"),
        pytest.param(_encoded((5001, 5000)), (422, "picture-refused"), "too-large", id="too many pixels"),
        pytest.param(
            _encoded((400, 400), "WEBP", save_all=True, append_images=[Image.new("RGB", (400, 400), "red")]),
            (422, "picture-refused"), "animated", id="animated",
        ),
        pytest.param(b"", (422, "validation-error"), "missing", id="empty"),
    ],
)  # fmt: skip
async def test_what_is_no_proof_changes_nothing(
    person: Any, offered: Any, content: bytes, refusal: tuple[int, str], fault: str | None
) -> None:
    user = person()
    task_id = await _started(user, offered)
    answer = await user.send_proof(task_id, content, key="the-same-key")
    assert _refused(answer) == refusal
    assert [problem["code"] for problem in answer.json().get("errors", [])] == ([fault] if fault else [])
    task = (await user.get(f"/api/v1/tasks/{task_id}")).json()
    assert (task["status"], task["attempts_left"]) == ("started", 3)
    assert (await user.send_proof(task_id, key="the-same-key")).status_code == 201


async def test_a_file_beyond_8_mb_is_refused(person: Any, offered: Any) -> None:
    user = person()
    task_id = await _started(user, offered)
    assert _refused(await user.send_proof(task_id, bytes(MAX_FILE + 1))) == (413, "content-too-large")
    assert _refused(await user.send_proof(task_id, bytes(MAX_FILE * 2))) == (413, "content-too-large")


async def _body(parts: list[bytes], read: list[int]) -> AsyncIterator[bytes]:
    for part in parts:
        read.append(len(part))
        yield part


@pytest.mark.parametrize("stop", ["permission", "owner", "state", "key"])
async def test_a_body_that_will_be_refused_anyway_is_not_read(person: Any, offered: Any, stop: str) -> None:
    user = person()
    task_id = await user.submitted_task(offered())
    caller = person() if stop == "owner" else user
    headers = {"Content-Type": "multipart/form-data; boundary=b", "Idempotency-Key": "a-key"}
    if stop == "key":
        del headers["Idempotency-Key"]
    if stop == "permission":
        headers["Authorization"] = "Bearer nonsense"
    read: list[int] = []
    answer = await caller.client.post(
        f"/api/v1/tasks/{task_id}/proofs", headers=headers, content=_body([b"x"] * 100, read)
    )
    assert answer.status_code == {"permission": 401, "owner": 404, "state": 409, "key": 400}[stop]
    assert read == []


async def test_a_chunked_body_is_cut_at_the_limit(person: Any, offered: Any) -> None:
    user = person()
    task_id = await _started(user, offered)
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
    read: list[int] = []
    answer = await user.client.post(
        f"/api/v1/tasks/{task_id}/proofs",
        headers={"Content-Type": "multipart/form-data; boundary=b", "Idempotency-Key": "a-key"},
        content=_body([head] + [bytes(1024 * 1024)] * 20, read),
    )
    assert _refused(answer) == (413, "content-too-large")
    assert sum(read) <= MAX_FILE + 2 * 1024 * 1024


PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x.png"\r\n\r\nabc\r\n'
PHOTO = PART.replace(b'"file"', b'"photo"')


@pytest.mark.parametrize(
    ("kind", "body", "refusal"),
    [
        ("application/json", b"{}", (415, "unsupported-media-type")),
        ("image/png", b"abc", (415, "unsupported-media-type")),
        ("multipart/form-data", PART + b"--b--\r\n", (415, "unsupported-media-type")),
        ("multipart/form-data; boundary=b", b"", (400, "bad-request")),
        ("multipart/form-data; boundary=b", b"nonsense", (400, "bad-request")),
        ("multipart/form-data; boundary=b", PART, (400, "bad-request")),
        ("multipart/form-data; boundary=" + "b" * 300, PART, (400, "bad-request")),
        ("multipart/form-data; boundary=b", b"--b--\r\n", (422, "validation-error")),
        ("multipart/form-data; boundary=b", PART + PART + b"--b--\r\n", (422, "validation-error")),
        (
            "multipart/form-data; boundary=b",
            PART.replace(b'"file"', b'"photo"') + b"--b--\r\n",
            (422, "validation-error"),
        ),
        ("multipart/form-data; boundary=b", b"--b\r\nX: y\r\n\r\nabc\r\n--b--\r\n", (422, "validation-error")),
    ],
)
async def test_a_malformed_form_is_refused(
    person: Any, offered: Any, kind: str, body: bytes, refusal: tuple[int, str]
) -> None:
    user = person()
    answer = await user.post(
        f"/api/v1/tasks/{await _started(user, offered)}/proofs", headers={"Content-Type": kind}, content=body
    )
    assert _refused(answer) == refusal


async def test_ten_proofs_at_once_count_as_one_attempt(
    person: Any, offered: Any, sql: asyncpg.Connection, until_waiting: Any
) -> None:
    user = person()
    task_id = await _started(user, offered)
    holding = sql.transaction()
    await holding.start()
    await sql.execute("SELECT FROM task WHERE id = $1 FOR UPDATE", task_id)
    sending = asyncio.gather(*(user.send_proof(task_id) for _ in range(10)))
    await until_waiting(10)
    await holding.rollback()
    codes = [answer.status_code for answer in await sending]
    assert (codes.count(201), codes.count(409)) == (1, 9)
    assert (await user.get(f"/api/v1/tasks/{task_id}")).json()["attempts_left"] == 2


async def test_the_same_upload_twice_at_once_has_one_effect(person: Any, offered: Any) -> None:
    user = person()
    task_id = await _started(user, offered)
    answers = await asyncio.gather(*(user.send_proof(task_id, key="one-key") for _ in range(10)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    codes = {answer.json()["code"] for answer in answers if answer.status_code == 409}
    assert codes <= {"idempotency-key-in-progress"}


async def test_an_upload_repeated_while_the_first_is_being_answered_gets_that_answer(
    person: Any, offered: Any, sql: asyncpg.Connection, until_waiting: Any
) -> None:
    user = person()
    task_id = await _started(user, offered)
    first = await user.send_proof(task_id, key="k")
    kept = await sql.fetchrow("DELETE FROM idempotency_key WHERE key = 'k' RETURNING *")
    committing = sql.transaction()
    await committing.start()
    await sql.execute("LOCK TABLE task")
    again = asyncio.ensure_future(user.send_proof(task_id, key="k"))
    await until_waiting(1)
    names = ", ".join(kept.keys())
    values = ", ".join(f"${number}" for number in range(1, len(kept) + 1))
    await sql.execute(f"INSERT INTO idempotency_key ({names}) VALUES ({values})", *kept.values())  # noqa: S608 - its own
    await committing.commit()
    assert ((await again).status_code, (await again).content) == (201, first.content)


async def test_a_store_that_is_away_is_a_503_and_the_task_waits(
    person: Any, offered: Any, blob_folder: Path, picture: Picture
) -> None:
    user = person()
    task_id = await _started(user, offered)
    with _out_of_the_way(blob_folder):
        assert _refused(await user.send_proof(task_id, picture(colour=(9, 9, 9)))) == (503, "unavailable")
    assert (await user.get(f"/api/v1/tasks/{task_id}")).json()["status"] == "started"
    assert (await user.send_proof(task_id)).status_code == 201


@contextmanager
def _out_of_the_way(folder: Path) -> Iterator[None]:
    moved = folder.rename(folder.with_name("moved"))
    folder.write_text("a file where the folder was")
    yield
    folder.unlink()
    moved.rename(folder)
