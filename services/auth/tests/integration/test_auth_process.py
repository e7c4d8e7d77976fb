"""The service as a process of its own: it starts, does its work, stops, and tells its log no secret."""

import asyncio
import base64
import os
import re
import signal
import socket
import sys
import time
from pathlib import Path

import httpx
import pytest
from services.auth.tests.conftest import PASSWORD

import auth_service
from auth_service.one_time_codes import code_at, step_at
from servicekit import testing

pytestmark = pytest.mark.integration

CURSOR_SECRET = "q7Zk2mV9xT4bN8cR1pL6wY3sH5dF0gJe"
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
    mails = [mail.read_text() for mail in sorted(mail_dir.glob("*.eml"))]
    return [found[1] for mail in mails if (found := re.search(r"token=([\w-]{43})", mail))]


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
    more = await second_half(client, mail_dir, login)
    tokens = [pair[name] for pair in (first, second) for name in ("access_token", "refresh_token")]
    wrong = ["wrong-canary-sentence", "wrong-canary-form", "wrong-canary-object", "query-canary-0123456789"]
    return [PASSWORD, *more, *wrong, *links, *tokens, *(token.rpartition(".")[2] for token in tokens)]


async def second_half(client: httpx.AsyncClient, mail_dir: Path, login: dict[str, str]) -> list[str]:
    """A second factor, a reset, a change of password: the secrets that were told on the way."""
    signed_in = (await client.post("/api/v1/auth/login", json=login)).json()
    me = testing.bearer(signed_in["access_token"])
    await client.put(
        "/api/v1/users/me/password",
        headers=me,
        json={"current_password": "wrong-canary-current", "new_password": "new-canary-sentence"},
    )
    totp = (await client.post("/api/v1/users/me/totp", headers=me, json={"password": PASSWORD})).json()
    code = code_at(base64.b32decode(totp["secret"]), step_at(time.time()))
    codes = (await client.post("/api/v1/users/me/totp/confirm", headers=me, json={"code": code})).json()
    challenge = (await client.post("/api/v1/auth/login", json=login)).json()["mfa_token"]
    for tried in ("canary-code", codes["recovery_codes"][0]):
        await client.post("/api/v1/auth/mfa", json={"mfa_token": challenge, "code": tried})
    known = set(links_in(mail_dir))
    await client.post("/api/v1/auth/password/forgot", json={"email": login["email"]})
    async with asyncio.timeout(10):
        while not (links := set(links_in(mail_dir)) - known):
            await client.get("/healthz")
    (link,) = links
    answer = await client.post("/api/v1/auth/password/reset", json={"token": link, "password": "reset-canary-sentence"})
    assert answer.status_code == 204
    canaries = ["wrong-canary-current", "new-canary-sentence", "canary-code", "reset-canary-sentence"]
    tokens = [signed_in["access_token"], signed_in["refresh_token"]]
    return [totp["secret"], *codes["recovery_codes"], challenge, link, *canaries, *tokens]


async def test_it_serves_and_its_log_holds_no_secret(tmp_path: Path) -> None:
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AUTH_")},
        "AUTH_DATABASE_URL": await testing.create_database(auth_service.__file__, "auth_process"),
        "AUTH_CURSOR_SECRET": CURSOR_SECRET,
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
    for event in (
        "account.registered",
        "mail.sent",
        "account.verified",
        "login.succeeded",
        "login.refused",
        "password.reset",
        "mfa.refused",
    ):
        assert event in log  # else nothing would be proved
    for secret in [
        *secrets,
        "root-canary-sentence",
        testing.TEST_SECRET,
        CURSOR_SECRET,
        "argon2id",
        "canary@example.com",
    ]:
        assert secret not in log
    assert "Welcome to Appraise" not in log
    assert not [found for found in BASE64.findall(log) if "_" in found or not found.islower()]
