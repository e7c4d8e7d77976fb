"""Schemathesis over the rewards service's own document, with all roles, as a user, and as nobody.

    .venv/bin/python bench/rewards_fuzz.py --schemathesis PATH [--examples 40] [-- more arguments]

On a throwaway Postgres with some tasks in it, and with siblings that know every app and every account. It needs an
environment of its own, for instance ``python -m venv /tmp/fuzz && /tmp/fuzz/bin/pip install schemathesis``.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import asyncpg
import msgspec
from rewards_server import REVIEWER, add_submitted_tasks, prepared_database, served, token

from local_stack.embedded.for_tests import throwaway_servers
from media.blobs import BlobStore

ROLES = (("user", "reviewer", "admin"), ("user",), None)


class Siblings(BaseHTTPRequestHandler):
    """Every app is published, and every account is there."""

    def do_GET(self) -> None:
        app = {
            "id": str(uuid4()), "name": "Example Reader", "package_name": "org.example.reader", "points": 250,
            "status": "published", "email_verified": True,
        }  # fmt: skip
        self.send_response(200)
        self.end_headers()
        self.wfile.write(msgspec.json.encode(app))

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def siblings() -> Iterator[str]:
    """Where they answer."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Siblings)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def fuzz(url: str, schemathesis: str, examples: int, more: list[str], bearer: str | None) -> int:
    """One run over every operation but the stream of events, which has no end. Returns the exit code."""
    arguments = [
        schemathesis, "run", f"{url}/openapi.json", "--max-examples", str(examples),
        "--phases", "examples,coverage,fuzzing", "--continue-on-failure",
        "--exclude-path", "/api/v1/events",
        # What a schema can't say is refused by intent: unknown tasks, forged cursors, files that are no pictures.
        "--exclude-checks", "positive_data_acceptance",
        *(["--header", f"Authorization: Bearer {bearer}"] if bearer else []), *more,
    ]  # fmt: skip
    return subprocess.run(arguments, cwd=tempfile.gettempdir(), check=False).returncode  # noqa: S603 - as was asked for


async def _fill(database_url: str, blob_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await add_submitted_tasks(connection, 200)
    picture = await BlobStore(blob_url).put(b"a picture")
    await connection.execute("UPDATE proof SET image_sha256 = $1, thumbnail_sha256 = $1", picture)
    await connection.close()


def main() -> int:
    """Read the command line; run with all roles, as a user, and as nobody."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schemathesis", required=True)
    parser.add_argument("--examples", type=int, default=40)
    parser.add_argument("more", nargs="*")
    chosen = parser.parse_args()
    with throwaway_servers() as servers, siblings() as there, tempfile.TemporaryDirectory() as folder:
        blob_url = f"file://{folder}"
        database_url = prepared_database(servers.postgres_url, "fuzz")
        asyncio.run(_fill(database_url, blob_url))
        codes = []
        for roles in ROLES:
            with served(database_url, catalog_url=there, auth_url=there, blob_url=blob_url) as rewards:
                bearer = token(REVIEWER, *roles) if roles else None
                codes.append(fuzz(rewards.url, chosen.schemathesis, chosen.examples, chosen.more, bearer))
        return max(codes)


if __name__ == "__main__":
    sys.exit(main())
