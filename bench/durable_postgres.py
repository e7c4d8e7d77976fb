"""A Postgres to measure on, with fsync and synchronous commits: ``python bench/durable_postgres.py FOLDER``.

Prints the superuser's URL and serves until it is interrupted. What is in FOLDER is kept for the next time.
"""

import secrets
import signal
import sys
from pathlib import Path

from local_stack.embedded.for_tests import running, wait_until_ready
from local_stack.embedded.postgres import Postgres
from local_stack.ports import free_ports


def main(folder: Path) -> None:
    """Serve until SIGINT or SIGTERM."""
    folder.mkdir(parents=True, exist_ok=True)
    remembered = folder / "url"
    password = remembered.read_text().split(":")[2].partition("@")[0] if remembered.exists() else secrets.token_hex(16)
    (port,) = free_ports(1)
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, lambda *_: None)  # wakes up pause() below
    with Postgres(folder / "data", port, password) as postgres:
        postgres.initialise()
        with running(postgres.launch()) as process:
            wait_until_ready(postgres.is_ready, process)
            remembered.write_text(postgres.url())
            sys.stdout.write(postgres.url() + "\n")
            sys.stdout.flush()
            signal.pause()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
