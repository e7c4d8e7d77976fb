"""A local stack of fake services: the real command, the real Postgres and Valkey, everything else pretended."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil
import pytest
from local_stack.ports import free_ports

FAKE_SERVICE = Path(__file__).parent / "fakes" / "fake_service.py"
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
        return psutil.Process(self.process.pid).children(recursive=True)

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


@pytest.fixture
def stack_environment(tmp_path: Path) -> dict[str, str]:
    """Fake services, a folder and a port of one's own."""
    fakes = tmp_path / "fakes"
    for package in PACKAGES:
        (fakes / package / "migrations").mkdir(parents=True)
        (fakes / package / "__init__.py").touch()
        (fakes / package / "migrations" / "first.py").touch()
        (fakes / package / "__main__.py").write_text(f"from fake_service import main\nmain({package!r})\n")
    return {name: value for name, value in os.environ.items() if not name.startswith("APPRAISE_")} | {
        "PYTHONPATH": f"{fakes}{os.pathsep}{FAKE_SERVICE.parent}",
        "APPRAISE_VAR": str(tmp_path / "var"),
        "APPRAISE_PORT": str(free_ports(1)[0]),
    }


@pytest.fixture
def start_stack(stack_environment: dict[str, str]) -> Iterator[StartStack]:
    """Starts stacks on the same folder; whatever is left of them ends with the test."""
    started: list[Stack] = []

    def start(**more: str) -> Stack:
        started.append(Stack([sys.executable, "-m", "local_stack", "run"], stack_environment | more))
        return started[-1]

    yield start
    for stack in started:
        stack.close()
