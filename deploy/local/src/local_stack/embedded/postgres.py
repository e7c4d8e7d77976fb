"""PostgreSQL from a wheel: made once, run in the foreground, as an unprivileged user when we are root."""

import asyncio
import os
import pwd
import re
import shutil
import signal
import struct
import subprocess
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from local_stack.embedded.programs import postgres_bin
from local_stack.launch import Launch

SUPERUSER = "postgres"
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "128MB",
    "random_page_cost": "1.1",  # on SSDs the default of 4 makes the planner skip the right index
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
_THROWAWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_REASON = re.compile(r"FATAL:|PANIC:|error:")
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}  # no PG* variable of the caller gets in


class InitialisationFailed(Exception):
    """`initdb` could not make the data folder; its reason is the message."""


class Postgres:
    """One server on one data folder. `with` closes what a root run had to open.

    Root cannot be the user of Postgres, and the user it becomes may not reach a folder below /root. So the data folder
    is opened by root and handed over as `/proc/self/fd/N`: the parents' permissions no longer matter or change.
    """

    def __init__(
        self, data: Path, port: int, password: str, *, throwaway: bool = False, max_connections: int = 200
    ) -> None:
        self.data = data
        self.port = port
        self._password = password
        self._throwaway = throwaway
        self._max_connections = max_connections
        self._run_as = _unprivileged_user(data) if os.geteuid() == 0 else None
        self._closing = ExitStack()
        self._bin = postgres_bin(self._run_as, data.with_name(f"{data.name}.programs"), self._closing)
        self._data_fd: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._closing.close()

    def initialise(self) -> bool:
        """Makes the data folder unless it is there; True when it was made. A run cut short leaves nothing behind.

        Raises InitialisationFailed.
        """
        if (self.data / "PG_VERSION").exists():
            self._take_over()
            return False
        half_made = self.data.with_name(self.data.name + ".new")
        shutil.rmtree(half_made, ignore_errors=True)
        half_made.mkdir(mode=0o700, parents=True)
        (half_made / "password").touch(mode=0o600)
        (half_made / "password").write_text(self._password + "\n")
        if self._run_as:
            os.chown(half_made, *self._run_as)
            os.chown(half_made / "password", *self._run_as)
        folder = os.open(half_made, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._initdb(self._reachable(half_made, folder), folder)
        finally:
            os.close(folder)
        (half_made / "data").rename(self.data)
        shutil.rmtree(half_made)
        return True

    def launch(self) -> Launch:
        """How to start the server in the foreground. Logs go to stderr."""
        if self._data_fd is None:
            self._data_fd = os.open(self.data, os.O_RDONLY | os.O_DIRECTORY)
            self._closing.callback(os.close, self._data_fd)
        settings = _SETTINGS | {"port": str(self.port), "max_connections": str(self._max_connections)}
        if self._throwaway:
            settings |= _THROWAWAY
        return Launch(
            argv=(
                str(self._bin / "postgres"),
                "-D",
                self._reachable(self.data, self._data_fd),
                *(f"--{name}={value}" for name, value in settings.items()),
            ),
            env=_ENVIRONMENT,
            cwd=Path("/"),
            # Fast shutdown, then immediate. SIGKILL is last: it leaves the backends to notice by themselves.
            stop_signals=(signal.SIGINT, signal.SIGQUIT, signal.SIGKILL),
            death_signal=signal.SIGQUIT,
            run_as=self._run_as,
            fds=(self._data_fd,) if self._run_as else (),
        )

    def url(self, database: str = "postgres", role: str = SUPERUSER, password: str | None = None) -> str:
        """The DSN of a role on a database; without a password, the superuser's."""
        secret = quote(self._password if password is None else password, safe="")
        return f"postgresql://{quote(role)}:{secret}@127.0.0.1:{self.port}/{quote(database)}"

    async def is_ready(self) -> bool:
        """Whether a new connection would be let in: the server asks for the password, instead of an error 57P03.

        The start of the wire protocol (PostgreSQL documentation, "Message Flow"), because a driver takes longer to
        import than Postgres takes to start. The lock file is read first: asking too early writes FATAL to the log.
        """
        if not self._says_ready():
            return False
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        try:
            greeting = struct.pack("!i", 3 << 16) + f"user\0{SUPERUSER}\0database\0postgres\0\0".encode()
            writer.write(struct.pack("!i", len(greeting) + 4) + greeting)
            return await reader.read(1) == b"R"
        except OSError:
            return False
        finally:
            writer.close()

    def _says_ready(self) -> bool:
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready"  # the eighth line, where pg_ctl looks too

    def _take_over(self) -> None:
        """Root may have put the folder back from a backup; Postgres insists on owning it."""
        if self._run_as and self.data.stat().st_uid == 0:
            for folder, _, files in os.walk(self.data):
                for name in (".", *files):
                    os.chown(Path(folder) / name, *self._run_as, follow_symlinks=False)

    def _reachable(self, folder: Path, descriptor: int) -> str:
        return f"/proc/self/fd/{descriptor}" if self._run_as else str(folder)

    def _initdb(self, folder: str, descriptor: int) -> None:
        launch = Launch(
            argv=(
                str(self._bin / "initdb"),
                f"--pgdata={folder}/data",
                f"--username={SUPERUSER}",
                f"--pwfile={folder}/password",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--data-checksums",
                *(("--no-sync",) if self._throwaway else ()),
            ),
            env=_ENVIRONMENT,
            cwd=Path("/"),
            run_as=self._run_as,
            fds=(descriptor,),
        )
        made = subprocess.run(  # noqa: S603 - our own program with our own arguments
            launch.argv, capture_output=True, text=True, check=False, **launch.options()
        )
        if made.returncode:
            said = made.stderr.strip().splitlines() or ["initdb failed without a word"]
            raise InitialisationFailed(next((line for line in said if _REASON.search(line)), said[-1]))


def _unprivileged_user(data: Path) -> tuple[int, int]:
    """Who Postgres runs as under root: the owner of an existing data folder, else `nobody`."""
    if data.exists() and data.stat().st_uid:
        return data.stat().st_uid, data.stat().st_gid
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid
