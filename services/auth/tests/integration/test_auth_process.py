"""The service as a process of its own: it starts, does its work, stops, and tells its log no secret."""

import asyncio
import os
import re
import signal
import socket
import sys
from pathlib import Path

import httpx
import pytest
from services.auth.tests.conftest import PASSWORD

import auth_service
from servicekit import testing

pytestmark = pytest.mark.integration

BASE64 = re.compile(r"[A-Za-z0-9_-]{40,}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


async def until(stream: asyncio.StreamReader, word: str) -> str:
    """What is read up to the line with ``word``."""
    read = ""
    async with asyncio.timeout(30):
        while word not in read:
            line = (await stream.readline()).decode()
            assert line, f"ended before {word!r}: {read}"
            read += line
    return read


def links_in(mail_dir: Path) -> list[str]:
    """The tokens of the mails that arrived, oldest first."""
    return [re.findall(r"token=([\w-]{43})", mail.read_text())[0] for mail in sorted(mail_dir.glob("*.eml"))]


async def journey(client: httpx.AsyncClient, mail_dir: Path) -> list[str]:
    """Register, verify, sign in, refresh, fail, sign out. Returns every secret that was used."""
    body = {"email": "canary@example.com", "password": PASSWORD, "name": "Canary"}
    await client.post("/api/v1/auth/register", json=body)
    await client.post("/api/v1/auth/register", json=body)
    async with asyncio.timeout(30):
        while len(links := links_in(mail_dir)) < 2:
            await client.get("/healthz")
    for link in links:
        assert (await client.post("/api/v1/auth/verify-email", json={"token": link})).status_code == 204
    login = {"email": "canary@example.com", "password": PASSWORD}
    first = (await client.post("/api/v1/auth/login", json=login)).json()
    await client.post("/api/v1/auth/login", json={**login, "password": "wrong-canary-sentence"})
    await client.post("/api/v1/auth/token", data={"username": "canary@example.com", "password": "wrong-canary-form"})
    await client.post("/api/v1/auth/login", json={**login, "password": {"canary": "wrong-canary-object"}})
    await client.post("/api/v1/auth/login?password=query-canary-0123456789", json=login)
    second = (await client.post("/api/v1/auth/refresh", json={"refresh_token": first["refresh_token"]})).json()
    answer = await client.get("/api/v1/users/me", headers=testing.bearer(second["access_token"]))
    assert answer.json()["email_verified"] is True
    await client.post("/api/v1/auth/logout", headers=testing.bearer(second["access_token"]))
    tokens = [pair[name] for pair in (first, second) for name in ("access_token", "refresh_token")]
    wrong = ["wrong-canary-sentence", "wrong-canary-form", "wrong-canary-object", "query-canary-0123456789"]
    return [PASSWORD, *wrong, *links, *tokens, *(token.rpartition(".")[2] for token in tokens)]


async def test_it_serves_and_its_log_holds_no_secret(tmp_path: Path) -> None:
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AUTH_")},
        "AUTH_DATABASE_URL": await testing.create_database(auth_service.__file__, "auth_process"),
        "AUTH_CURSOR_SECRET": testing.TEST_SECRET,
        "AUTH_SIGNING_KEY_SECRET": testing.TEST_SECRET,
        "AUTH_LOG_LEVEL": "debug",
        "AUTH_MAIL_DIR": str(tmp_path),
        "AUTH_ADMIN_EMAIL": "root@example.com",
        "AUTH_ADMIN_PASSWORD": "root-canary-sentence",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "auth_service", "serve", "--port", str(port),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=environment,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        log = await until(process.stdout, "Uvicorn running")
        reading = asyncio.create_task(process.stdout.read())
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            secrets = await journey(client, tmp_path)
    finally:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(15):
            log += (await reading).decode()
            await process.wait()

    assert process.returncode in {0, -signal.SIGTERM}
    for event in ("account.registered", "mail.sent", "account.verified", "login.succeeded", "login.refused"):
        assert event in log  # else nothing would be proved
    for secret in [*secrets, "root-canary-sentence", testing.TEST_SECRET, "argon2id", "canary@example.com"]:
        assert secret not in log
    assert "Welcome to Appraise" not in log
    assert not [found for found in BASE64.findall(log) if "_" in found or not found.islower()]
