"""Approvals for each second through the service, against pgbench that sends the same SQL itself.

    .venv/bin/python bench/approvals.py [--clients 16] [--seconds 10] [--rounds 3] [--pgbench /usr/bin/pgbench]

Both on a throwaway Postgres with fsync and synchronous commits, in turns, each on tasks that nobody decided on before.
The figure is the ratio of the medians. It counts what a reviewer's approval costs in all: HTTP, the token, the key that
makes it happen once, the decision, the credit, and the answer that is kept.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import load
from figures import tell
from rewards_server import REVIEWER, add_submitted_tasks, prepared_database, served, token

from local_stack.embedded.for_tests import running, wait_until_ready
from local_stack.embedded.postgres import Postgres
from local_stack.ports import free_ports

# The statements of one approval, as the service sends them. The first two lines only find the next task.
PGBENCH = Path(__file__).with_name("approval.sql")


def say(line: str) -> None:
    """Show a figure."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def through_the_service(port: int, tasks: list[UUID], clients: int, seconds: float) -> float:
    """Approvals for each second over HTTP."""
    bearer = token()

    def approve() -> bytes:
        path = f"/api/v1/reviews/{tasks.pop()}/decision"
        return load.request("POST", path, b'{"decision":"approve"}', bearer, str(uuid4()))

    return load.run(port, approve, connections=clients, seconds=seconds).rate


def through_pgbench(program: str, url: str, clients: int, seconds: float) -> float:
    """Approvals for each second with nothing but SQL."""
    arguments = [
        program, "-n", "-M", "prepared", "-f", str(PGBENCH), "-c", str(clients), "-j", "1", "-T", str(int(seconds)),
        "-D", f"reviewer={REVIEWER}", url,
    ]  # fmt: skip
    answer = subprocess.run(arguments, capture_output=True, text=True, check=True)  # noqa: S603 - the given program
    line = next(line for line in answer.stdout.splitlines() if line.startswith("tps = "))
    return float(line.split()[2])


async def _fill(url: str, count: int, *, numbered: bool) -> list[UUID]:
    connection = await asyncpg.connect(url)
    try:
        tasks = await add_submitted_tasks(connection, count)
        if numbered:  # pgbench takes them by number
            await connection.execute("DROP TABLE IF EXISTS waiting; DROP SEQUENCE IF EXISTS next_waiting")
            await connection.execute("CREATE SEQUENCE next_waiting")
            await connection.execute("""
                CREATE TABLE waiting AS SELECT row_number() OVER () AS n, id, user_id, app_name, points, proof_id
                FROM task WHERE status = 'submitted'
            """)
            await connection.execute("CREATE UNIQUE INDEX ON waiting (n)")
        return tasks
    finally:
        await connection.close()


def measure(postgres_url: str, options: argparse.Namespace) -> None:
    """Both sides in turns, and the ratio."""
    count = int(options.seconds * 4000)
    ours: list[float] = []
    limit: list[float] = []
    sides: list[tuple[str, list[float], Callable[[str], float]]] = [
        ("service", ours, lambda url: _served(url, count, options)),
        ("pgbench", limit, lambda url: _limit(url, count, options)),
    ]
    for number in range(options.rounds):
        for name, rates, run in sides:
            rates.append(run(prepared_database(postgres_url, f"approvals_{name}")))
            say(f"round {number + 1}  {name}  {rates[-1]:8.0f} approvals/s")
    tell("approvals", "of pgbench with the same SQL", [a / b for a, b in zip(ours, limit, strict=True)], "times")


def _served(url: str, count: int, options: argparse.Namespace) -> float:
    tasks = asyncio.run(_fill(url, count, numbered=False))
    with served(url, database_pool_size=str(options.clients)) as service:
        return through_the_service(service.port, tasks, options.clients, options.seconds)


def _limit(url: str, count: int, options: argparse.Namespace) -> float:
    asyncio.run(_fill(url, count, numbered=True))
    return through_pgbench(options.pgbench, url, options.clients, options.seconds)


def main() -> None:
    """Run the bench on a Postgres of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pgbench", default="/usr/bin/pgbench")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # as root, Postgres runs as somebody else
        with Postgres(Path(folder) / "data", free_ports(1)[0], uuid4().hex) as postgres:
            postgres.initialise()
            with running(postgres.launch()) as process:
                wait_until_ready(postgres.is_ready, process)
                measure(postgres.url(), options)


if __name__ == "__main__":
    main()
