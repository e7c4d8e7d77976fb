"""Stacks of fake services, each in a folder and on a port of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from running_stack import FAKE_SERVICE, PACKAGES, Stack, StartStack

from local_stack.ports import free_ports


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


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 20 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", folder], check=True)
