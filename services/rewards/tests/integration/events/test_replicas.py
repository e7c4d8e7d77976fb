"""Events across two real processes of the service: who listens at one hears of what another did."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import jwt
import pytest

from rewards_service.settings import Settings
from servicekit import testing

pytestmark = pytest.mark.integration
PATIENCE = 60.0


@pytest.fixture
async def jwks_url() -> AsyncIterator[str]:
    """The tests' public key, published as auth does."""
    keys = [
        {**json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(key)), "kid": kid, "alg": "EdDSA", "use": "sig"}
        for kid, key in testing.test_keys().keys.items()
    ]
    body = json.dumps({"keys": keys}).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head % len(body) + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/jwks.json"
    server.close()
    await server.wait_closed()


@asynccontextmanager
async def replica(settings: Settings, jwks_url: str, port: int, log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """`rewards serve`, ready."""
    environment = {
        "PATH": os.defpath,
        "REWARDS_ENVIRONMENT": "local",
        "REWARDS_DATABASE_URL": settings.database_url.get_secret_value(),
        "REWARDS_CURSOR_SECRET": settings.cursor_secret.get_secret_value(),
        "REWARDS_TOKEN_ISSUER": settings.token_issuer,
        "REWARDS_TOKEN_AUDIENCE": settings.token_audience,
        "REWARDS_JWKS_URL": jwks_url,
        "REWARDS_CATALOG_URL": "http://127.0.0.1:9",
        "REWARDS_AUTH_URL": "http://127.0.0.1:9",
        "REWARDS_BLOB_URL": settings.blob_url,
    }
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "rewards_service", "serve", "--port", str(port),
            env=environment, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        async with asyncio.timeout(PATIENCE), httpx.AsyncClient() as client:
            while not await _is_ready(client, f"http://127.0.0.1:{port}/readyz"):
                assert process.returncode is None, log.read_text()  # noqa: ASYNC240 - the test is over then
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _is_ready(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == 200
    except httpx.TransportError:
        return False


async def _events(answer: httpx.Response, count: int) -> list[tuple[int, dict[str, Any]]]:
    """Number and data of so many events."""
    assert answer.status_code == 200
    found: list[tuple[int, dict[str, Any]]] = []
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if line:
            fields[name] = value
        elif "data" in fields:
            found.append((int(fields["id"]), json.loads(fields["data"])))
        if not line:
            fields = {}
        if len(found) == count:
            break
    return found


async def test_two_replicas_tell_the_same_and_the_other_goes_on_when_one_stops(
    settings: Settings, jwks_url: str, sql: asyncpg.Connection, unused_tcp_port_factory: Any, tmp_path: Path
) -> None:
    ports, user_id = [unused_tcp_port_factory(), unused_tcp_port_factory()], uuid4()
    token = testing.make_token(user_id, ["user"], settings)
    urls = [f"http://127.0.0.1:{port}/api/v1" for port in ports]
    task_id: UUID = await sql.fetchval(
        "INSERT INTO task (user_id, app_id, app_name, package_name, points, expires_at) "
        "VALUES ($1, uuidv7(), 'App', 'org.example', 10, now() + interval '1 day') RETURNING id",
        user_id,
    )
    async with (
        replica(settings, jwks_url, ports[0], tmp_path / "one") as stopping,
        replica(settings, jwks_url, ports[1], tmp_path / "two"),
        httpx.AsyncClient(headers=testing.bearer(token), timeout=PATIENCE) as client,
    ):
        async with (
            client.stream("GET", f"{urls[0]}/events", headers={"Last-Event-ID": "0"}) as one,
            client.stream("GET", f"{urls[1]}/events", headers={"Last-Event-ID": "0"}) as two,
        ):
            cancelled = await client.post(f"{urls[1]}/tasks/{task_id}/cancel")
            assert cancelled.status_code == 200, cancelled.text
            heard = [await _events(stream, 2) for stream in (one, two)]
            assert heard[0] == heard[1]
            assert [data["status"] for _, data in heard[0]] == ["started", "cancelled"]

        async with client.stream("GET", f"{urls[0]}/events", headers={"Last-Event-ID": str(heard[0][0][0])}) as one:
            assert await _events(one, 1) == heard[0][1:]
            stopping.send_signal(signal.SIGTERM)  # with a stream open, which has no end of its own
            async with asyncio.timeout(5):  # uvicorn would wait for eight seconds
                await stopping.wait()

        await sql.execute("UPDATE task SET status = 'expired' WHERE id = $1", task_id)
        last = str(heard[0][-1][0])
        async with client.stream("GET", f"{urls[1]}/events", headers={"Last-Event-ID": last}) as two:
            assert [data["status"] for _, data in await _events(two, 1)] == ["expired"]
