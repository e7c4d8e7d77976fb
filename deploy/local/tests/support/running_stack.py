"""A local stack of fake services: the real command, the real Postgres and Valkey, everything else pretended."""

import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
import pytest

FAKE_SERVICE = Path(__file__).parent / "fake_service.py"
PACKAGES = ("auth_service", "catalog_service", "rewards_service", "isin_worker", "web", "gateway")
PATIENCE_S = 30.0


class Stack:
    """A running `local-stack run`, its log, and its processes."""

    def __init__(self, command: list[str], environment: Mapping[str, str], stdin: int = subprocess.DEVNULL) -> None:
        self.process = subprocess.Popen(
            command, env=environment, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.lines: list[str] = []
        self._more = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._more:
                self.lines.append(line.rstrip("\n"))
                self._more.notify_all()

    def wait_for(self, text: str, *, times: int = 1) -> str:
        """The line that says `text` for the given time."""

        def found() -> list[str]:
            return [line for line in self.lines if text in line]

        with self._more:
            if not self._more.wait_for(lambda: len(found()) >= times, PATIENCE_S):
                pytest.fail(f"no {text!r} ({times} times) in:\n" + "\n".join(self.lines))
            return found()[times - 1]

    def said(self, text: str) -> bool:
        return any(text in line for line in self.lines)

    def descendants(self) -> list[psutil.Process]:
        found: list[psutil.Process] = psutil.Process(self.process.pid).children(recursive=True)
        return found

    def end(self, how: signal.Signals = signal.SIGINT) -> int:
        """Its exit code after that signal."""
        self.process.send_signal(how)
        return self.ended()

    def ended(self) -> int:
        code = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            left = self.descendants()
            self.process.kill()
            psutil.wait_procs(left, PATIENCE_S)
        self.ended()
        assert self.process.stdout is not None
        self.process.stdout.close()


StartStack = Callable[..., Stack]
