"""A body beyond the limit is refused, whether its length is declared or not, and before it is read whole."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message

from servicekit.middleware import JSON_BODY_LIMIT

MAX_BODY = 3 * 1024 * 1024
JSON = {"Content-Type": "application/json"}
BYTES = {"Content-Type": "application/octet-stream"}


async def chunks(size: int, piece: bytes = b"x" * 65_536) -> AsyncIterator[bytes]:
    """A body that declares no length."""
    while size > 0:
        yield piece[:size]
        size -= len(piece)


async def test_a_body_of_just_the_limit_is_taken(client: httpx.AsyncClient) -> None:
    answer = await client.put("/api/v1/upload", content=b"x" * MAX_BODY, headers=BYTES)
    assert answer.json() == {"size": MAX_BODY}
    answer = await client.put("/api/v1/upload", content=chunks(MAX_BODY), headers=BYTES)
    assert answer.json() == {"size": MAX_BODY}


@pytest.mark.parametrize("declared", [True, False])
async def test_one_byte_more_is_413(client: httpx.AsyncClient, declared: bool) -> None:
    content = b"x" * (MAX_BODY + 1) if declared else chunks(MAX_BODY + 1)
    answer = await client.put("/api/v1/upload", content=content, headers=BYTES)
    assert (answer.status_code, answer.json()["code"]) == (413, "content-too-large")


@pytest.mark.parametrize("declared", [True, False])
async def test_json_has_a_lower_limit(client: httpx.AsyncClient, declared: bool) -> None:
    body = b'{"name": "' + b"x" * JSON_BODY_LIMIT + b'"}'
    content = body if declared else chunks(len(body))
    answer = await client.post("/api/v1/things", content=content, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "content-too-large")


async def test_an_endless_body_is_cut_at_the_limit(client: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65_536
            yield b"x" * 65_536

    answer = await client.put("/api/v1/upload", content=endless(), headers=BYTES)
    assert answer.status_code == 413
    assert sent <= MAX_BODY + 2 * 65_536


async def call(app: FastAPI, *, headers: list[tuple[bytes, bytes]], messages: list[Message]) -> tuple[int, bytes]:
    """Call below the HTTP client, which would not send such things."""
    answer: list[Message] = []
    pending = iter(messages)

    async def receive() -> Message:
        return next(pending, {"type": "http.disconnect"})

    async def send(message: Message) -> None:
        answer.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/api/v1/things", "raw_path": b"/api/v1/things", "root_path": "",
        "query_string": b"", "headers": headers, "scheme": "http", "http_version": "1.1", "server": ("test", 80),
    }  # fmt: skip
    await app(scope, receive, send)
    return answer[0]["status"], b"".join(message.get("body", b"") for message in answer)


@pytest.mark.parametrize(
    ("length", "status"),
    [(b"-1", 400), (b"1e3", 400), (b"", 400), (b"0x10", 400), (b"9" * 5000, 413), (b"99999999999", 413)],
)
async def test_a_declared_length_must_be_a_number_within_the_limit(app: FastAPI, length: bytes, status: int) -> None:
    found, body = await call(
        app, headers=[(b"content-length", length), (b"content-type", b"application/json")], messages=[]
    )
    assert found == status
    assert b'"code"' in body


async def test_a_connection_that_ends_early_is_no_crash(app: FastAPI) -> None:
    headers = [(b"content-length", b"100"), (b"content-type", b"application/json")]
    part: Message = {"type": "http.request", "body": b'{"name"', "more_body": True}
    assert (await call(app, headers=headers, messages=[part]))[0] == 400


@pytest.mark.parametrize("target", ["/api/v1/things/a%00b", "/api/v1/things?q=%00", "/api/v1/things?%00=1"])
async def test_nul_in_the_target_is_422(client: httpx.AsyncClient, target: str) -> None:
    answer = await client.get(target)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation-error")


@pytest.mark.parametrize("target", ["/api/v1/things/%ED%A0%80", "/api/v1/things/%FF", "/api/v1/things?limit=%ED%A0%80"])
async def test_bytes_that_are_no_text_are_no_crash(client: httpx.AsyncClient, target: str) -> None:
    assert (await client.get(target)).status_code in {200, 404, 422}
