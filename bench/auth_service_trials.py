"""Trials of a running auth service, on a throwaway Postgres.

    .venv/bin/python bench/auth_service_trials.py storm [--rounds 5] [--seconds 4]
    .venv/bin/python bench/auth_service_trials.py timing [--samples 200]
    .venv/bin/python bench/auth_service_trials.py fuzz --schemathesis PATH [--examples 60] [-- more arguments]

``storm``: four clients sign in without pause, and another asks for its own account. Idle and busy rounds take turns, so
that a change of the machine's mood meets both; the figure is the ratio of the medians of their p99.

``timing``: sign-ins, registrations and forgotten passwords of known and unknown addresses in turns. The figure is the
chance that a known one takes longer than an unknown one: 0.5 tells nothing. Throttling is cleared between samples.

``fuzz``: Schemathesis over the service's own document, signed in as an administrator. It needs an environment of its
own, for instance ``python -m venv /tmp/fuzz && /tmp/fuzz/bin/pip install schemathesis``.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx

from local_stack.embedded.for_tests import throwaway_servers
from local_stack.ports import free_ports

SECRET = "a-secret-of-the-trials-0123456789-abcdef"  # noqa: S105 # of a throwaway service
PASSWORD = "a long and easy sentence"  # noqa: S105 # as above
API = "/api/v1"


@dataclass(frozen=True)
class Running:
    """The service and the way behind it."""

    url: str
    database_url: str
    environment: dict[str, str]

    def command(self, *arguments: str, text: str = "") -> None:
        """Run the command ``auth`` to its end."""
        command = [sys.executable, "-m", "auth_service", *arguments]
        subprocess.run(command, env=self.environment, input=text, text=True, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 # the project's own command

    async def sql(self, statement: str) -> None:
        """Reach behind the service."""
        connection = await asyncpg.connect(self.database_url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@asynccontextmanager
async def running(postgres_url: str) -> AsyncIterator[Running]:
    """The service as a process of its own, with an administrator ``root@example.com``."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        connection = await asyncpg.connect(postgres_url)
        await connection.execute("CREATE DATABASE auth_trials")
        await connection.close()
        database_url = urlunsplit(urlsplit(postgres_url)._replace(path="/auth_trials"))
        (port,) = free_ports(1)
        environment = {
            **os.environ,
            "AUTH_ENVIRONMENT": "test",
            "AUTH_LOG_LEVEL": "warning",
            "AUTH_DATABASE_URL": database_url,
            "AUTH_CURSOR_SECRET": SECRET,
            "AUTH_SIGNING_KEY_SECRET": SECRET,
            "AUTH_MAIL_DIR": folder,
        }
        service = Running(f"http://127.0.0.1:{port}", database_url, environment)
        service.command("migrate")
        service.command("create-admin", "--email", "root@example.com", "--password-stdin", text=PASSWORD)
        log = stack.enter_context((Path(folder) / "log").open("w"))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "auth_service", "serve", "--port", str(port), env=environment, stdout=log, stderr=log
        )
        try:
            await until_it_answers(service.url)
            yield service
        finally:
            process.terminate()
            await process.wait()


async def until_it_answers(url: str) -> None:
    """Wait for the service."""
    async with httpx.AsyncClient() as client, asyncio.timeout(30):
        while True:
            with suppress(httpx.TransportError):
                if (await client.get(f"{url}/readyz")).status_code == 200:
                    return
            await asyncio.sleep(0.1)


def say(line: str) -> None:
    """Show a figure."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def sign_in(client: httpx.AsyncClient, email: str) -> str:
    """An access token."""
    answer = await client.post(f"{API}/auth/login", json={"email": email, "password": PASSWORD})
    token: str = answer.raise_for_status().json()["access_token"]
    return token


def p99(samples: list[float]) -> float:
    """The 99th percentile, in milliseconds."""
    return sorted(samples)[int(len(samples) * 0.99)] * 1000


async def storm(postgres_url: str, rounds: int, seconds: float) -> None:
    """How much sign-ins hold up other requests."""
    async with running(postgres_url) as service, httpx.AsyncClient(base_url=service.url, timeout=30) as client:
        token = await sign_in(client, "root@example.com")
        results: dict[bool, list[float]] = {False: [], True: []}
        for _ in range(rounds):
            for busy in (False, True):
                tasks = [asyncio.create_task(endless_sign_ins(service.url)) for _ in range(4 if busy else 0)]
                samples = await asking(client, token, seconds)
                for task in tasks:
                    task.cancel()
                sign_ins = sum(await asyncio.gather(*tasks))
                results[busy].append(p99(samples))
                word = f"{sign_ins / seconds:.0f} sign-ins/s" if busy else "idle"
                say(f"p99 {p99(samples):7.2f} ms, p50 {statistics.median(samples) * 1000:6.2f} ms, {word}")
        idle, busy_p99 = (statistics.median(results[busy]) for busy in (False, True))
        say(f"median of p99: idle {idle:.2f} ms, storm {busy_p99:.2f} ms, ratio {busy_p99 / idle:.2f}")


async def endless_sign_ins(url: str) -> int:
    """Sign in until cancelled. Returns how often."""
    done = 0
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        with suppress(asyncio.CancelledError):
            while True:
                await sign_in(client, "root@example.com")
                done += 1
    return done


async def asking(client: httpx.AsyncClient, token: str, seconds: float) -> list[float]:
    """The times of requests that hash nothing, one after the other."""
    samples = []
    end = time.perf_counter() + seconds
    while (started := time.perf_counter()) < end:
        (await client.get(f"{API}/users/me", headers={"Authorization": f"Bearer {token}"})).raise_for_status()
        samples.append(time.perf_counter() - started)
        await asyncio.sleep(0.002)
    return samples


async def timing(postgres_url: str, samples: int) -> None:
    """Whether the time of an answer tells that an address is known."""
    async with running(postgres_url) as service, httpx.AsyncClient(base_url=service.url, timeout=30) as client:

        async def login(email: str) -> None:
            await client.post(f"{API}/auth/login", json={"email": email, "password": "a wrong long sentence"})

        async def register(email: str) -> None:
            body = {"email": email, "password": PASSWORD, "name": "Ada"}
            (await client.post(f"{API}/auth/register", json=body)).raise_for_status()

        async def forgot(email: str) -> None:
            (await client.post(f"{API}/auth/password/forgot", json={"email": email})).raise_for_status()

        for what in (login, register, forgot):
            known, unknown = await compare(service, what, samples)
            longer = sum(a > b for a in known for b in unknown) / len(known) / len(unknown)
            medians = " and ".join(f"{statistics.median(times) * 1000:.2f}" for times in (known, unknown))
            say(f"{what.__name__}: medians {medians} ms for known and unknown, P(known > unknown) {longer:.3f}")


async def compare(
    service: Running, what: Callable[[str], Awaitable[None]], samples: int
) -> tuple[list[float], list[float]]:
    """Times of calls for the one known address and for as many unknown ones, in turns."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(samples):
        await service.sql("DELETE FROM throttle_bucket")
        for kind in (0, 1) if number % 2 else (1, 0):
            email = f"nobody-{what.__name__}-{number}@example.com" if kind else "root@example.com"
            started = time.perf_counter()
            await what(email)
            times[kind].append(time.perf_counter() - started)
            await asyncio.sleep(
                0.05 if what.__name__ != "forgot" else 0.5
            )  # a mail that is sent in the background must not meet the next sample
    return times


async def fuzz(postgres_url: str, schemathesis: str, examples: int, more: list[str]) -> int:
    """Schemathesis over every operation that does not end the session it is signed in with."""
    async with running(postgres_url) as service, httpx.AsyncClient(base_url=service.url) as client:
        token = await sign_in(client, "root@example.com")
        excluded = ("auth_logout", "auth_delete_me")
        arguments = [
            schemathesis, "run", f"{service.url}/openapi.json", "--header", f"Authorization: Bearer {token}",
            "--max-examples", str(examples), "--phases", "examples,coverage,fuzzing", "--continue-on-failure",
            # What a schema can't say is refused by intent: stale tokens, forged cursors, weak passwords.
            "--exclude-checks", "positive_data_acceptance",
            *(part for name in excluded for part in ("--exclude-operation-id", name)), *more,
        ]  # fmt: skip
        process = await asyncio.create_subprocess_exec(*arguments, cwd=tempfile.gettempdir())
        clearing = asyncio.create_task(clear_throttling(service))  # or most sign-ins would meet a closed door
        code = await process.wait()
        clearing.cancel()
        return code


async def clear_throttling(service: Running) -> None:
    """Open all doors, again and again."""
    while True:
        await service.sql("DELETE FROM throttle_bucket")
        await asyncio.sleep(0.5)


def main() -> None:
    """Read the command line and run one trial."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    storming = commands.add_parser("storm")
    storming.add_argument("--rounds", type=int, default=5)
    storming.add_argument("--seconds", type=float, default=4)
    commands.add_parser("timing").add_argument("--samples", type=int, default=200)
    fuzzing = commands.add_parser("fuzz")
    fuzzing.add_argument("--schemathesis", required=True)
    fuzzing.add_argument("--examples", type=int, default=60)
    fuzzing.add_argument("more", nargs="*")
    chosen = parser.parse_args()
    with throwaway_servers() as servers:
        url = servers.postgres_url
        if chosen.command == "storm":
            asyncio.run(storm(url, chosen.rounds, chosen.seconds))
        elif chosen.command == "timing":
            asyncio.run(timing(url, chosen.samples))
        else:
            sys.exit(asyncio.run(fuzz(url, chosen.schemathesis, chosen.examples, chosen.more)))


if __name__ == "__main__":
    main()
