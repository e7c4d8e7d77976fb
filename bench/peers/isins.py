"""ISINs against Django REST framework: the same Postgres, tables and JSON, one worker process each.

``.venv/bin/python bench/peers/isins.py URL``: the superuser's URL of a durable Postgres on this machine. It measures as
``bench/peers/catalog.py`` does, with its environment of peers: look-up, each request for another one of 200,000
ISINs, and the check of 10,000 texts in one request, of which one in a hundred is none; by a signed-in user. The
answers are compared before anything is timed.
"""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from catalog import THREADS, Side, compare, ensure_peers, postmaster  # noqa: E402 - beside this file
from catalog_server import PUBLIC_KEY, until_it_answers  # noqa: E402
from isin_server import filled_database, served, token  # noqa: E402
from load import family, request  # noqa: E402

from isin_worker.settings import Settings  # noqa: E402
from isin_worker.testing import make_isin  # noqa: E402
from local_stack.ports import free_ports  # noqa: E402

ROWS, MANY = 200_000, 10_000
VALIDATE = "/api/v1/isins/validate"


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
        str(ensure_peers() / "gunicorn"), "django_isins:application", "-b", f"127.0.0.1:{port}", "-w", "1",
        "-k", "gthread", "--threads", THREADS, "--keep-alive", "600", "--log-level", "error", "--chdir", str(HERE),
    ]  # fmt: skip
    process = subprocess.Popen(command, env=environment)
    try:
        until_it_answers(f"http://127.0.0.1:{port}/healthz", process)
        yield Side(port, process.pid)
    finally:
        process.terminate()
        process.wait(timeout=20)


def ask(side: Side, path: str, bearer: str, body: bytes | None = None) -> object:
    """The document of one answer."""
    headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}
    wanted = Request(f"http://127.0.0.1:{side.port}{path}", body, headers)
    with urlopen(wanted) as answer:  # noqa: S310 - our own address
        return json.load(answer)


def texts(rng: random.Random) -> bytes:
    """Ten thousand of them, to be checked: a wrong check digit, and other mistakes, among many that are right."""
    isins = [make_isin(number) for number in range(MANY)]
    for place in rng.sample(range(MANY), MANY // 100):
        right = isins[place]
        isins[place] = rng.choice([f"{right[:-1]}{(int(right[-1]) + 1) % 10}", right[:-1], right.lower(), "?", ""])
    return json.dumps({"isins": isins}).encode()


def main(admin_url: str) -> None:
    """Compare, then time."""
    bearer, postgres, rng = token(), postmaster(admin_url), random.Random(1)  # noqa: S311 - no secret
    with filled_database(admin_url, ROWS) as url, served(url) as isins, django(url) as theirs:
        ours = Side(isins.port, isins.process.pid)
        for pid in (ours.pid, *family(theirs.pid)):
            os.sched_setaffinity(pid, {0})
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        paths = [f"/api/v1/isins/{make_isin(rng.randrange(ROWS))}" for _ in range(20_000)]
        for path in paths[:200]:
            assert ask(ours, path, bearer) == ask(theirs, path, bearer), path
        many = texts(rng)
        assert ask(ours, VALIDATE, bearer, many) == ask(theirs, VALIDATE, bearer, many)
        requests = [request("GET", path, token=bearer) for path in paths]
        compare([ours, theirs], postgres, "ISIN by key", 5, lambda: rng.choice(requests), 200, "isins")
        one = request("POST", VALIDATE, many, token=bearer)
        compare([ours, theirs], postgres, "10,000 checked", 5, lambda: one, 200, "isins")


if __name__ == "__main__":
    main(sys.argv[1])
