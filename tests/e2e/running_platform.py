"""The whole platform as a newcomer starts it, in a folder of its own, on free ports."""

import asyncio
import email
import email.policy
import os
import re
import secrets
import select
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Self, TypeVar

import asyncpg
import httpx
import psutil
import redis
from PIL import Image, ImageDraw

READY_SECONDS = 300  # these end at once when the thing happens; they only end a test that has failed
STOP_SECONDS = 60
PATIENCE_SECONDS = 60
ADMIN = ("admin@example.org", "correct horse battery admin")
REVIEWER = ("reviewer@example.org", "correct horse battery review")

Result = TypeVar("Result")


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(check: Callable[[], Result], *, seconds: float = PATIENCE_SECONDS) -> Result:
    """The first true result of ``check``, which is asked again until then; an AssertionError after ``seconds``."""
    deadline = time.monotonic() + seconds
    while True:
        result = check()
        if result:
            return result
        assert time.monotonic() < deadline, f"not within {seconds} s"
        select.select([], [], [], 0.1)


@dataclass
class Platform:
    """One run of ``local-stack run``."""

    var: Path
    port: int = field(default_factory=free_port)
    extra_env: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    _offset: int = 0  # where in the log the present run begins

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log_file(self) -> Path:
        return self.var.parent / f"{self.var.name}.log"

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def environment(self) -> dict[str, str]:
        chosen = {
            "APPRAISE_VAR": str(self.var),
            "APPRAISE_PORT": str(self.port),
            "APPRAISE_ADMIN_EMAIL": ADMIN[0],
            "APPRAISE_ADMIN_PASSWORD": ADMIN[1],
            "APPRAISE_REVIEWER_EMAIL": REVIEWER[0],
            "APPRAISE_REVIEWER_PASSWORD": REVIEWER[1],
            "APPRAISE_RATE_LIMITS": "off",
        }
        return {**os.environ, **chosen, **self.extra_env}

    def launch(self) -> Self:
        """Start, and do not wait."""
        command = [str(Path(sys.executable).parent / "local-stack"), "run"]
        with self.log_file.open("ab") as log:
            self._offset = len(self.log)
            self.process = subprocess.Popen(
                command,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    def wait_ready(self) -> Self:
        """Until the line ``ready http://…`` stands in the log."""
        process = self.process
        assert process is not None
        eventually(lambda: process.poll() is not None or f"ready {self.url}" in self._new_log(), seconds=READY_SECONDS)
        assert process.poll() is None, f"ended with {process.returncode}:\n{self.log[-3000:]}"
        return self

    def _new_log(self) -> str:
        return self.log[self._offset :]

    def environment_of(self, service: str) -> dict[str, str]:
        """What a command of the service needs to reach this platform."""
        lines = (self.var / "run" / f"{service}.env").read_text().splitlines()
        settings = (line.split("=", 1) for line in lines)
        return {**os.environ, **{name: value.strip("'") for name, value in settings}}

    def row_versions(self, service: str, *, but: frozenset[str]) -> dict[str, tuple[int, int]]:
        """For each table but some: how many rows it has, and the sum of the transactions that wrote them.

        Equal answers mean that no row was written in between.
        """
        url = self.environment_of(service)[f"{service.upper()}_DATABASE_URL"]
        with ThreadPoolExecutor(1) as thread:  # a browser that is open in this one has an event loop of its own
            return thread.submit(asyncio.run, _row_versions(url, but)).result()

    def empty_valkey(self) -> None:
        """As after a failure without its file: sessions of pages, counts and queues are gone."""
        with redis.Redis.from_url(self.environment_of("isin")["ISIN_REDIS_URL"]) as valkey:
            valkey.flushall()

    def processes(self) -> dict[int, str]:
        """Every process of the platform, the supervisor first: pid and command line."""
        family = [psutil.Process(self.pid), *psutil.Process(self.pid).children(recursive=True)]
        return {process.pid: " ".join(process.cmdline()) for process in family}

    def is_ready(self) -> bool:
        """Whether the gateway says so."""
        try:
            return httpx.get(f"{self.url}/readyz").status_code == 200
        except httpx.HTTPError:
            return False

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        """Ask it to end, as Ctrl-C does. Returns the exit code."""
        assert self.process is not None
        os.killpg(self.process.pid, how)
        return self.process.wait(STOP_SECONDS)


@dataclass
class PlatformElsewhere(Platform):
    """One that runs already, under this address, with the mails in ``var/mail``: in containers, or on a cluster."""

    address: str = ""

    @property
    def url(self) -> str:
        return self.address

    def empty_valkey(self) -> None:
        """What only a running stack of containers can do, by the command that the environment names."""
        subprocess.run(shlex.split(os.environ["APPRAISE_E2E_EMPTY_VALKEY"]), check=True, timeout=60)


async def _row_versions(url: str, but: frozenset[str]) -> dict[str, tuple[int, int]]:
    connection = await asyncpg.connect(url)
    try:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        query = 'SELECT count(*), coalesce(sum(xmin::text::bigint), 0)::bigint FROM "{}"'
        names = sorted(row["tablename"] for row in tables if row["tablename"] not in but)
        return {name: tuple(await connection.fetchrow(query.format(name))) for name in names}
    finally:
        await connection.close()


def mail_token(var: Path, recipient: str, subject: str = "") -> str:
    """The ``?token=`` of the newest mail to ``recipient``, with this in its subject."""

    def newest() -> str | None:
        for path in sorted((var / "mail").glob("*.eml"), reverse=True):
            message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            body = message.get_body(("plain",))
            found = re.search(r"\?token=([\w.~-]+)", body.get_content() if body else "")
            if recipient in str(message["To"]) and subject in str(message["Subject"]) and found:
                return found[1]
        return None

    found = eventually(newest)
    assert found is not None
    return found


class Account:
    """A client of the REST API, signed in when it has a token."""

    def __init__(self, platform_url: str) -> None:
        # Nobody closes an account at the end of a test, so no connection is kept.
        self.http = httpx.Client(
            base_url=platform_url, timeout=PATIENCE_SECONDS, limits=httpx.Limits(max_keepalive_connections=0)
        )

    def sign_in(self, address: str, password: str) -> Self:
        answer = self.http.post("/api/v1/auth/login", json={"email": address, "password": password})
        assert answer.status_code == 200, answer.text
        self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return self

    def get(self, path: str, **params: str) -> httpx.Response:
        return self.http.get(path, params=params)

    def post(self, path: str, json: object = None, *, key: str | None = None, **extra: object) -> httpx.Response:
        headers = {"Idempotency-Key": key or secrets.token_hex(8)}
        return self.http.post(path, json=json, headers=headers, **extra)  # type: ignore[arg-type]  # httpx's own types


def phone_screenshot(text: str) -> bytes:
    picture = Image.new("RGB", (1080, 2400), "#f4f4f8")
    draw = ImageDraw.Draw(picture)
    for row in range(12):
        draw.rectangle((60, 200 + row * 170, 1020, 330 + row * 170), fill=(40 + row * 15, 90, 200 - row * 10))
    draw.text((80, 90), text, fill="black", font_size=64)
    out = BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def new_account(platform: Platform, address: str, password: str) -> Account:
    """Register, verify by the mail, sign in."""
    account = Account(platform.url)
    body = {"email": address, "password": password, "name": "Ada Tester"}
    assert account.post("/api/v1/auth/register", body).status_code == 202
    token = mail_token(platform.var, address)
    assert account.post("/api/v1/auth/verify-email", {"token": token}).status_code == 204
    return account.sign_in(address, password)
