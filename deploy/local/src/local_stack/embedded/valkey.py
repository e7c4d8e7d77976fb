"""Valkey from a wheel, in the foreground, on loopback, behind a password."""

import asyncio
import signal
from pathlib import Path

from local_stack.embedded.programs import valkey_server
from local_stack.launch import Launch


class Valkey:
    """One server with its files in one folder."""

    def __init__(self, folder: Path, port: int, password: str, *, throwaway: bool = False) -> None:
        self.folder = folder
        self.port = port
        self._password = password
        self._throwaway = throwaway

    def launch(self) -> Launch:
        """Writes the configuration and says how to start the server. Logs go to stdout."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        configuration = self.folder / "valkey.conf"  # a file, because a command line shows the password to everybody
        configuration.touch(mode=0o600)
        configuration.write_text(
            "\n".join(
                [
                    "bind 127.0.0.1",
                    f"port {self.port}",
                    f"requirepass {self._password}",
                    f"appendonly {'no' if self._throwaway else 'yes'}",
                    "appendfsync everysec",
                    'save ""',
                    "maxmemory-policy noeviction",
                    "",
                ]
            )
        )
        return Launch(
            argv=(str(valkey_server()), configuration.name),
            cwd=self.folder,
            stop_signals=(signal.SIGTERM, signal.SIGKILL),
            death_signal=signal.SIGKILL,  # what it wrote is with the kernel already
        )

    def url(self, database: int = 0) -> str:
        """The address for clients; `database` keeps two users of one server apart."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/{database}"

    async def is_ready(self) -> bool:
        """Whether it answers PING (not while it still loads its files)."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        try:
            writer.write(f"AUTH {self._password}\r\nPING\r\n".encode())
            return (await reader.readline(), await reader.readline()) == (b"+OK\r\n", b"+PONG\r\n")
        except OSError:
            return False
        finally:
            writer.close()
