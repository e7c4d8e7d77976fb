"""A Postgres to measure on, with fsync and synchronous commits: ``python bench/durable_postgres.py FOLDER``.

Prints the superuser's URL and serves until it is interrupted. What is in FOLDER is kept for the next time.
"""

import secrets
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_stack.embedded.for_tests import running, wait_until_ready
from local_stack.embedded.postgres import Postgres
from local_stack.ports import free_ports


@contextmanager
def durable_postgres(folder: Path) -> Iterator[str]:
    """The superuser's URL of a Postgres that keeps its data in ``folder``; it ends with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    remembered = folder / "url"
    password = remembered.read_text().split(":")[2].partition("@")[0] if remembered.exists() else secrets.token_hex(16)
    (port,) = free_ports(1)
    with Postgres(folder / "data", port, password) as postgres:
        postgres.initialise()
        with running(postgres.launch()) as process:
            wait_until_ready(postgres.is_ready, process)
            remembered.write_text(postgres.url())
            yield postgres.url()


def main(folder: Path) -> None:
    """Serve until SIGINT or SIGTERM."""
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, lambda *_: None)  # wakes up pause() below
    with durable_postgres(folder) as url:
        sys.stdout.write(url + "\n")
        sys.stdout.flush()
        signal.pause()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
