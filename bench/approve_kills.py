"""The rewards service killed between any two messages of an approval, and what is true afterwards.

    .venv/bin/python bench/approve_kills.py [--trials 100] [--clients 6] [--seed 1]

Between the service and Postgres stands a proxy that counts the messages of the service. In each trial six approvals run
at once; at message n the service is killed with SIGKILL, in every second trial before Postgres gets the message, in the
others after it, without the answer coming back. Then the service is started again and every request without an
answer is sent again under its key until it has one. Afterwards each task must be approved, with one credit, and the
ledger must hold what it promises (L1 to L8). n goes through the whole approval, from its first message to beyond its
commit, so that each gap between two statements is met several times.
"""

import argparse
import asyncio
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg
import httpx
from catalog_server import published_key
from rewards_server import Rewards, add_submitted_tasks, prepared_database, token

from local_stack.embedded.for_tests import running, wait_until_ready
from local_stack.embedded.postgres import Postgres
from local_stack.ports import free_ports
from rewards_service.services.ledger import verify
from rewards_service.settings import Settings
from servicekit.db import Database

PIECE = 64 * 1024
MESSAGES = 14  # of one approval on a new connection, from BEGIN to behind COMMIT: each statement is prepared first


class CountingProxy:
    """Passes bytes between the service and Postgres, and kills the service at the message it was set to."""

    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self._left = 0
        self._before = False
        self._kill: Callable[[], None] = lambda: None
        self.killed = asyncio.Event()

    def arm(self, messages: int, *, before: bool, kill: Callable[[], None]) -> None:
        """Call ``kill`` at this message, before or after Postgres has got it."""
        self._left, self._before, self._kill = messages, before, kill
        self.killed.clear()

    def disarm(self) -> None:
        """Kill nobody."""
        self._left = 0

    async def serve(self) -> asyncio.Server:
        """Listen on a free port."""
        return await asyncio.start_server(self._relay, "127.0.0.1", 0)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._upstream)
        with suppress(OSError):
            await asyncio.gather(self._messages(reader, back), _copy(there, writer))
        for side in (writer, back):
            side.close()

    async def _messages(self, reader: asyncio.StreamReader, upstream: asyncio.StreamWriter) -> None:
        while piece := await reader.read(PIECE):
            last = self._left == 1
            self._left = max(0, self._left - 1)
            if last and self._before:
                self._fire()
                break
            upstream.write(piece)
            await upstream.drain()
            if last:
                self._fire()
                break
        upstream.close()

    def _fire(self) -> None:
        self._kill()
        self.killed.set()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(PIECE):
        writer.write(piece)
        await writer.drain()
    writer.close()


@dataclass
class Outcome:
    """What was wrong after a trial, if anything was."""

    killed: bool
    faults: list[str]


async def approve(service: Rewards, task: UUID, key: str, bearer: str) -> str | None:
    """The credit of the task, or None when no answer came."""
    headers = {"Authorization": f"Bearer {bearer}", "Idempotency-Key": key}
    try:
        async with httpx.AsyncClient(base_url=service.url, headers=headers, timeout=20) as client:
            answer = await client.post(f"/api/v1/reviews/{task}/decision", json={"decision": "approve"})
    except httpx.TransportError:
        return None
    if answer.status_code >= 500 or answer.json().get("code") == "idempotency-key-in-progress":
        return None  # to be sent again
    return str(answer.raise_for_status().json()["transaction_id"])


async def warm_up(service: Rewards, bearer: str) -> None:
    """Have a connection opened, so that the messages which are counted are those of approvals."""
    async with httpx.AsyncClient(base_url=service.url, headers={"Authorization": f"Bearer {bearer}"}) as client:
        (await client.get("/api/v1/points")).raise_for_status()


async def insist(service: Rewards, task: UUID, key: str, bearer: str, known: str | None) -> str:
    """The credit, asked for until it is told; never another one than the first answer named."""
    async with asyncio.timeout(60):
        while (credit := await approve(service, task, key, bearer)) is None:  # noqa: ASYNC110 - for another process
            await asyncio.sleep(0.02)
    if known is not None and credit != known:
        raise AssertionError(f"the credit of {task} was {known} and is now {credit}")
    return credit


async def trial(
    proxy: CountingProxy, service: Rewards, direct: asyncpg.Connection, number: int, options: argparse.Namespace
) -> Outcome:
    """Approve under fire, kill, start again, insist, and look."""
    random = Random(options.seed * 1000 + number)  # noqa: S311 - a plan, not a secret
    tasks = await add_submitted_tasks(direct, options.clients)
    keys = {task: str(uuid4()) for task in tasks}
    bearer = token()
    message = (
        random.randint(1, MESSAGES * options.clients) if number % 3 == 0 else 1 + number % (MESSAGES * options.clients)
    )
    await asyncio.gather(*(warm_up(service, bearer) for _ in tasks))
    proxy.arm(message, before=number % 2 == 0, kill=service.kill)
    answers = await asyncio.gather(*(approve(service, task, keys[task], bearer) for task in tasks))
    killed = proxy.killed.is_set()
    proxy.disarm()
    await asyncio.to_thread(service.stop, signal.SIGKILL)
    await asyncio.to_thread(service.start)
    told = await asyncio.gather(
        *(insist(service, task, keys[task], bearer, answer) for task, answer in zip(tasks, answers, strict=True))
    )
    return Outcome(killed, await faults(direct, tasks, told))


async def faults(direct: asyncpg.Connection, tasks: list[UUID], told: list[str]) -> list[str]:
    """What is not as it should be, seen past the service."""
    found = []
    for task, credit in zip(tasks, told, strict=True):
        status = await direct.fetchval("SELECT status FROM task WHERE id = $1", task)
        booked = [str(row["id"]) for row in await direct.fetch("SELECT id FROM transaction WHERE task_id = $1", task)]
        if status != "approved" or booked != [credit]:
            found.append(f"task {task}: {status}, booked {booked}, told {credit}")
    return found


async def run(database_url: str, options: argparse.Namespace) -> int:
    """All trials; the number of those that found a fault."""
    parts = urlsplit(database_url)
    proxy = CountingProxy(parts.hostname or "", parts.port or 0)
    server = await proxy.serve()
    port = server.sockets[0].getsockname()[1]
    through = database_url.replace(f":{parts.port}/", f":{port}/")
    direct = await asyncpg.connect(database_url)
    database = Database(Settings.example(database_url=database_url), application_name="judge")
    bad = shots = 0
    with tempfile.TemporaryDirectory() as folder, published_key() as jwks_url:
        service = Rewards(through, Path(folder), jwks_url, database_pool_size=str(options.clients))
        await asyncio.to_thread(service.start)
        for number in range(1, options.trials + 1):
            outcome = await trial(proxy, service, direct, number, options)
            shots += outcome.killed
            if not (await verify(database)).ok:
                outcome.faults.append("the ledger does not hold")
            bad += bool(outcome.faults)
            for fault in outcome.faults:
                sys.stdout.write(f"trial {number}: {fault}\n")
        await asyncio.to_thread(service.stop)
    result = await verify(database)
    await database.close()
    await direct.close()
    server.close()
    sys.stdout.write(
        f"{options.trials} trials, {shots} of them killed in the middle, {result.transactions} credits, "
        f"{bad} violations\n"
    )
    return bad


def main() -> None:
    """Run the trials on a Postgres of their own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # as root, Postgres runs as somebody else
        with Postgres(Path(folder) / "data", free_ports(1)[0], uuid4().hex) as postgres:
            postgres.initialise()
            with running(postgres.launch()) as process:
                wait_until_ready(postgres.is_ready, process)
                url = prepared_database(postgres.url(), "kills")
                sys.exit(1 if asyncio.run(run(url, options)) else 0)


if __name__ == "__main__":
    main()
