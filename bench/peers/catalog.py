"""The catalogue against Django REST framework: the same Postgres, tables and JSON, one process each, one client.

``python bench/peers/catalog.py URL`` with a database that ``bench/catalog_fill.py`` filled. The peers are installed, at
the versions below, into a virtual environment of their own (``PEERS_VENV``, else one in the temporary folder).
The answers are compared before anything is timed; each measure takes turns between the two, and says the median.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

HERE = Path(__file__).parent
PEERS = ("django==5.2.8", "djangorestframework==3.16.1", "psycopg[binary]==3.2.13", "gunicorn==23.0.0")
OURS, THEIRS = 8801, 8802
ROUNDS = 300
STAMPS = {"id", "created_at", "updated_at", "package_name", "store_url"}


class Client:
    """One connection that is kept, and as little work of its own as can be."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, method: str, path: str, body: bytes = b"", token: str = "") -> tuple[int, bytes]:
        """The status and the body of the answer."""
        head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
        head += f"Content-Length: {len(body)}\r\n" + (f"Authorization: Bearer {token}\r\n" if token else "")
        self._socket.sendall(head.encode() + b"\r\n" + body)
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more()
        header, _, rest = data.partition(b"\r\n\r\n")
        length = next(
            int(line.partition(b":")[2]) for line in header.split(b"\r\n") if line.lower().startswith(b"content-length")
        )
        while len(rest) < length:
            rest += self._more()
        return int(header.split(b" ", 2)[1]), rest

    def _more(self) -> bytes:
        data = self._socket.recv(1 << 18)
        if not data:
            raise ConnectionError("the server closed the connection")
        return data


def ensure_peers() -> Path:
    """The bin folder of the environment with the peers."""
    folder = Path(os.environ.get("PEERS_VENV") or Path(tempfile.gettempdir()) / "appraise-peers")
    if not (folder / "bin" / "gunicorn").exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin" / "pip", "install", "-q", *PEERS], check=True)
    return folder / "bin"


@contextmanager
def servers(url: str) -> Iterator[str]:
    """Both, each one process; gives an administrator's token for ours."""
    where = urlsplit(url)
    environment = os.environ | {
        "PEER_URL": url, "PEER_HOST": str(where.hostname), "PEER_PORT": str(where.port),
        "PEER_NAME": where.path.strip("/"), "PEER_USER": str(where.username), "PEER_PASSWORD": str(where.password),
    }  # fmt: skip
    gunicorn = [
        str(ensure_peers() / "gunicorn"), "django_catalog:application", "-b", f"127.0.0.1:{THEIRS}", "--threads", "1",
        "-k", "gthread", "--keep-alive", "600", "--log-level", "error", "--chdir", str(HERE),
    ]  # fmt: skip
    ours = subprocess.Popen(
        [sys.executable, str(HERE / "serve_catalog.py"), str(OURS)], env=environment, stdout=subprocess.PIPE, text=True
    )
    theirs = subprocess.Popen(gunicorn, env=environment)
    try:
        assert ours.stdout is not None
        token = ours.stdout.readline().strip()
        for port in (OURS, THEIRS):
            _wait(port)
        yield token
    finally:
        for process in (ours, theirs):
            process.terminate()
        for process in (ours, theirs):
            process.wait(timeout=20)


def _wait(port: int) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(port)


def timed(calls: list[Callable[[], Any]], rounds: int = ROUNDS) -> list[float]:
    """The median milliseconds of each call, in turns."""
    took: list[list[float]] = [[] for _ in calls]
    for number in range(rounds + 20):
        for place, call in enumerate(calls):
            started = time.perf_counter()
            call()
            if number >= 20:  # the first ones fill caches and plans
                took[place].append((time.perf_counter() - started) * 1000)
    return [statistics.median(times) for times in took]


def report(name: str, times: list[float], goal: str) -> None:
    """One line: theirs, ours, and how many times."""
    ours, theirs = times
    sys.stdout.write(f"{name:34} DRF {theirs:8.2f} ms   ours {ours:8.2f} ms   {theirs / ours:5.1f} times   ({goal})\n")


def main(url: str) -> None:
    """Compare, then time."""
    with servers(url) as token:
        ours, theirs = Client(OURS), Client(THEIRS)
        lists = ("/api/v1/apps?category=games", "/apps?category=games")
        mine = json.loads(ours.send("GET", lists[0])[1])["items"]
        assert len(mine) == 50
        assert mine == json.loads(theirs.send("GET", lists[1])[1])["results"], "the lists differ"
        single = (f"/api/v1/apps/{mine[0]['id']}", f"/apps/{mine[0]['id']}")
        answers = [json.loads(client.send("GET", path)[1]) for client, path in zip((ours, theirs), single, strict=True)]
        assert answers[0] == answers[1], "the apps differ"
        reads = [lambda: ours.send("GET", lists[0]), lambda: theirs.send("GET", lists[1])]
        report("list of 50 by category", timed(reads), "at least 6")
        report(
            "by key", timed([lambda: ours.send("GET", single[0]), lambda: theirs.send("GET", single[1])]), "at least 5"
        )
        numbers = iter(range(time.time_ns() // 1000, 2**62))

        def body() -> bytes:
            new = {"package_name": f"bench.a{next(numbers)}", "name": "Bench", "summary": "Written", "points": 5}
            return json.dumps(new | {"category": "games"}).encode()

        writes = [
            lambda: ours.send("POST", "/api/v1/apps", body(), token),
            lambda: theirs.send("POST", "/apps", body()),
        ]
        made = [write() for write in writes]
        assert [status for status, _ in made] == [201, 201], made
        bare = [{name: value for name, value in json.loads(data).items() if name not in STAMPS} for _, data in made]
        assert bare[0] == bare[1], bare
        report("write", timed(writes), "at least 3")
        depth(ours)
        searches(ours)


def depth(client: Client) -> None:
    """The page at about 900,000, found by the points that stand there, against the first one."""
    deep = "/api/v1/apps?sort=points&min_points=1"
    token = deep_cursor(client, 900_000)  # the points are spread evenly from 1 to 1,000,000
    times = timed([lambda: client.send("GET", deep), lambda: client.send("GET", f"{deep}&cursor={token}")])
    sys.stdout.write(f"{'page at depth 900,000':34} first {times[0]:6.2f} ms   deep {times[1]:8.2f} ms   "
                     f"{times[1] / times[0]:5.2f} times   (at most 1.3)\n")  # fmt: skip


def deep_cursor(client: Client, points: int) -> str:
    """A cursor of the whole list that stands behind ``points``."""
    from uuid import UUID

    from pydantic import SecretStr

    from catalog_service.schemas import AppQuery
    from catalog_service.services.reading import _scope
    from servicekit import testing
    from servicekit.pagination import Cursors

    query = AppQuery(sort="points", min_points=1)
    token = Cursors(SecretStr(testing.TEST_SECRET)).encode(_scope(query), [points, UUID(int=0), None])
    status, _ = client.send("GET", f"/api/v1/apps?sort=points&min_points=1&cursor={token}")
    assert status == 200
    return token


def searches(client: Client) -> None:
    """All kinds of words: common, rare, several, beginnings, misspelt."""
    import random

    sys.path.insert(0, str(HERE.parent))
    from catalog_fill import KINDS, SYLLABLES

    chance = random.Random(7)  # noqa: S311 - the same words each time
    words = ["".join(chance.choices(SYLLABLES, k=3)) for _ in range(60)]
    kinds = {
        "common word": KINDS * 6,
        "rare word": words,
        "rare and common": [f"{word}+{chance.choice(KINDS)}" for word in words],
        "beginning of two letters": [word[:2] for word in words],
        "misspelt": [word[:3] + word[4:] for word in words],
        "common word in a category": [f"{word}&category=games" for word in KINDS * 6],
    }
    every: list[float] = []
    for name, queries in kinds.items():
        times = []
        for q in queries:
            started = time.perf_counter()
            status, _ = client.send("GET", f"/api/v1/apps?q={q}")
            times.append((time.perf_counter() - started) * 1000)
            assert status == 200, q
        every += times
        sys.stdout.write(f"search, {name:26} p50 {statistics.median(times):7.2f} ms   p95 {p95(times):7.2f} ms\n")
    sys.stdout.write(f"search, {'all of these':26} p50 {statistics.median(every):7.2f} ms   p95 {p95(every):7.2f} ms\n")


def p95(times: list[float]) -> float:
    """The 95th percentile."""
    return sorted(times)[int(len(times) * 0.95)]


if __name__ == "__main__":
    main(sys.argv[1])
