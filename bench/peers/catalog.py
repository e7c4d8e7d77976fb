"""The catalogue against Django REST framework: the same Postgres, tables and JSON, one worker process each.

``python bench/peers/catalog.py URL`` with a database that ``bench/catalog_fill.py`` filled. The peers are
installed, at the versions of ``django.txt``, into an environment of their own.

The answers are compared before anything is timed. Then both take turns, with one connection and with sixteen. Each
server has processor 0; this process has another one, and Postgres takes what it gets. Figures are medians of the
rounds: requests for each second, and for each second of processor time of the server, or of the server and Postgres.
"""

import asyncio
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import asyncpg
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from catalog_server import PUBLIC_KEY, served, token, until_it_answers  # noqa: E402 - beside this folder
from environments import environment  # noqa: E402
from figures import tell  # noqa: E402
from load import cpu_seconds, family, request, run  # noqa: E402

from catalog_service.settings import Settings  # noqa: E402
from local_stack.ports import free_ports  # noqa: E402

# With more threads it waits less for the disk, and works slower: eight is about its best.
THREADS = os.environ.get("PEER_THREADS", "8")
ROUNDS, SECONDS, CONNECTIONS = 3, float(os.environ.get("BENCH_SECONDS", "3")), (1, 16)
STAMPS = {"id", "created_at", "updated_at", "package_name", "store_url"}


@dataclass(frozen=True)
class Side:
    """One of the two servers."""

    port: int
    pid: int

    def ask(self, path: str, body: bytes | None = None, bearer: str = "") -> tuple[int, "dict[str, object]"]:
        """Status and document of one answer."""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
        with urlopen(Request(f"http://127.0.0.1:{self.port}{path}", body, headers)) as answer:
            return answer.status, json.load(answer)


@dataclass(frozen=True)
class Figures:
    """What a round gave: requests for each second, processor milliseconds of the server and of Postgres for each."""

    rate: float
    p50: float
    server: float
    postgres: float


def ensure_peers() -> Path:
    """The bin folder of the environment with the peers."""
    return environment(HERE / "django.txt")


@contextmanager
def django(url: str) -> Iterator[Side]:
    """The peer: gunicorn with one worker process."""
    where, settings, (port,) = urlsplit(url), Settings.example(), free_ports(1)
    public_key = PUBLIC_KEY.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    environment = os.environ | {
        "PEER_HOST": str(where.hostname), "PEER_PORT": str(where.port), "PEER_NAME": where.path.strip("/"),
        "PEER_USER": str(where.username), "PEER_PASSWORD": str(where.password), "PEER_PUBLIC_KEY": public_key,
        "PEER_ISSUER": settings.token_issuer, "PEER_AUDIENCE": settings.token_audience,
    }  # fmt: skip
    command = [
        str(ensure_peers() / "gunicorn"), "django_catalog:application", "-b", f"127.0.0.1:{port}", "-w", "1",
        "-k", "gthread", "--threads", THREADS, "--keep-alive", "600", "--log-level", "error", "--chdir", str(HERE),
    ]  # fmt: skip
    process = subprocess.Popen(command, env=environment)
    try:
        until_it_answers(f"http://127.0.0.1:{port}/api/v1/apps", process)
        yield Side(port, process.pid)
    finally:
        process.terminate()
        process.wait(timeout=20)


def measure(side: Side, postgres: int, new_request: Callable[[], bytes], connections: int, status: int) -> Figures:
    """One round."""
    run(side.port, new_request, connections=connections, seconds=0.3, status=status)
    before = cpu_seconds(family(side.pid)), cpu_seconds(family(postgres))
    result = run(side.port, new_request, connections=connections, seconds=SECONDS, status=status)
    after = cpu_seconds(family(side.pid)), cpu_seconds(family(postgres))
    server, database = ((b - a) / result.requests * 1000 for a, b in zip(before, after, strict=True))
    return Figures(result.rate, result.percentile(0.5), server, database)


def compare(
    sides: list[Side], postgres: int, name: str, goal: float, make: Callable[[], bytes], status: int, bench: str
) -> None:
    """Both in turns; three lines for each number of connections, and the ratios under the name of the ``bench``."""
    for connections in CONNECTIONS:
        rounds = [[measure(side, postgres, make, connections, status) for side in sides] for _ in range(ROUNDS)]
        ours, theirs = (_medians([taken[place] for taken in rounds]) for place in (0, 1))
        sys.stdout.write(
            f"{name}, {connections} connections: {ours.rate / theirs.rate:.1f} times the requests for each second,"
            f" {theirs.server / ours.server:.1f} times for each core-second of the server,"
            f" {(theirs.server + theirs.postgres) / (ours.server + ours.postgres):.1f} times with Postgres"
            f"   (at least {goal:g})\n"
        )
        for who, figures in (("ours", ours), ("DRF", theirs)):
            sys.stdout.write(
                f"    {who:4} {figures.rate:6.0f}/s   p50 {figures.p50:6.2f} ms   processor time for each request:"
                f" server {figures.server:.3f} ms, Postgres {figures.postgres:.3f} ms\n"
            )
        ratios = [[figures.rate for figures in taken] for taken in rounds]
        tell(bench, f"{name}, {connections} connections, by rate", [ours / theirs for ours, theirs in ratios], "times")
        costs = [[figures.server for figures in taken] for taken in rounds]
        by_core = [theirs / ours for ours, theirs in costs]
        tell(bench, f"{name}, {connections} connections, by core-second of the server", by_core, "times")


def _medians(rounds: list[Figures]) -> Figures:
    return Figures(*(statistics.median(values) for values in zip(*(astuple(one) for one in rounds), strict=True)))


async def _backend(url: str, look: Callable[[int], int]) -> int:
    connection = await asyncpg.connect(url)
    try:
        durable = [await connection.fetchval(f"SHOW {name}") for name in ("fsync", "synchronous_commit")]
        assert durable == ["on", "on"], "writes would be measured without their price"
        return look(await connection.fetchval("SELECT pg_backend_pid()"))
    finally:
        await connection.close()


def postmaster(url: str) -> int:
    """The process that all of Postgres descends from, which must be on this machine."""
    return asyncio.run(
        _backend(url, lambda pid: int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]))
    )


def main(url: str) -> None:
    """Compare, then time."""
    bearer = token("admin")
    postgres = postmaster(url)
    with served(url) as catalog, django(url) as theirs:
        ours = Side(catalog.port, catalog.process.pid)
        for pid in (ours.pid, *family(theirs.pid)):
            os.sched_setaffinity(pid, {0})
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        sides = [ours, theirs]
        pages = [side.ask("/api/v1/apps?category=games")[1]["items"] for side in sides]
        assert pages[0] == pages[1], "the lists differ"
        assert isinstance(pages[0], list)
        assert len(pages[0]) == 50
        key = f"/api/v1/apps/{pages[0][0]['id']}"
        assert ours.ask(key) == theirs.ask(key), "the apps differ"

        numbers = itertools.count(time.time_ns() // 1000)

        def body() -> bytes:
            new = {"package_name": f"bench.a{next(numbers)}", "name": "Bench", "summary": "Written", "points": 5}
            return json.dumps(new | {"category": "games"}).encode()

        made = [side.ask("/api/v1/apps", body(), bearer) for side in sides]
        assert [status for status, _ in made] == [201, 201], made
        bare = [{name: value for name, value in app.items() if name not in STAMPS} for _, app in made]
        assert bare[0] == bare[1], bare

        one_list, one_app = request("GET", "/api/v1/apps?category=games"), request("GET", key)
        compare(sides, postgres, "list of 50", 6, lambda: one_list, 200, "catalog")
        compare(sides, postgres, "by key", 5, lambda: one_app, 200, "catalog")
        compare(sides, postgres, "write", 3, lambda: request("POST", "/api/v1/apps", body(), bearer), 201, "catalog")


if __name__ == "__main__":
    main(sys.argv[1])
