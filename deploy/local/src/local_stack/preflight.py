"""What can be known to be wrong before anything starts: one clear line each."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_stack import ports
from local_stack.settings import Settings

NEEDED_BYTES = 200 * 1024 * 1024
_POSTGRES_MAJOR = "18"


class CannotStart(Exception):
    """Why the stack does not start; the message is for the person at the keyboard."""


@contextmanager
def sole_run(settings: Settings) -> Iterator[None]:
    """Holds the lock of the data folder, so that no second run works on it. Raises CannotStart.

    The kernel gives the lock back when the holder dies, however it dies.
    """
    check_folder(settings.var)
    with (settings.var / "run" / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise CannotStart(
                f"a local stack already runs on {settings.var} (process {holder}); stop it first"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        check_space(settings.var)
        check_port(settings.port)
        yield


def check_folder(var: Path) -> None:
    """Raises CannotStart unless files can be made in `var`."""
    try:
        (var / "run").mkdir(parents=True, exist_ok=True)
        probe = var / "run" / "probe"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise CannotStart(f"{var} cannot be written: {error.strerror}; APPRAISE_VAR names another folder") from None


def check_space(var: Path) -> None:
    """Raises CannotStart when the disk of `var` is nearly full."""
    free = shutil.disk_usage(var).free
    if free < NEEDED_BYTES:
        raise CannotStart(
            f"the disk of {var} is full: {free // 2**20} MB free, at least {NEEDED_BYTES // 2**20} MB are needed"
        )


def check_port(port: int) -> None:
    """Raises CannotStart when something else listens on the public port."""
    if not ports.is_free(port):
        raise CannotStart(f"port {port} is in use; APPRAISE_PORT names another one")


def check_data(data: Path, *, password_known: bool) -> None:
    """Raises CannotStart when Postgres' folder is there but cannot be used."""
    version = data / "PG_VERSION"
    if not version.exists():
        return
    if not password_known:
        raise CannotStart(f"{data} is there but its password in {data.parent / 'secrets'} is gone; put it back")
    made_by = version.read_text().strip()
    if made_by != _POSTGRES_MAJOR:
        raise CannotStart(f"{data} was made by PostgreSQL {made_by}; this is PostgreSQL {_POSTGRES_MAJOR}")
