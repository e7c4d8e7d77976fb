"""The servers of a test run: throwaway, on free ports, in a folder of their own."""

import asyncio
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from local_stack.embedded.postgres import Postgres
from local_stack.embedded.valkey import Valkey
from local_stack.launch import Launch
from local_stack.ports import free_ports

_PATIENCE_S = 30.0


class Servers(NamedTuple):
    """Where the two servers of a test run answer; the Postgres URL is the superuser's."""

    postgres_url: str
    valkey_url: str


@contextmanager
def throwaway_servers(workers: int = 1) -> Iterator[Servers]:
    """Starts both, yields their addresses, stops them and removes what they wrote. Costs about half a second.

    Each of the ``workers`` may hold 200 connections: the pools of all services stay open until its tests have ended.
    """
    postgres_port, valkey_port = free_ports(2)
    with ExitStack() as closing:
        folder = Path(tempfile.mkdtemp(prefix="appraise-tests-"))
        closing.callback(shutil.rmtree, folder, ignore_errors=True)
        valkey = Valkey(folder / "valkey", valkey_port, secrets.token_hex(16), throwaway=True)
        valkey_process = closing.enter_context(running(valkey.launch()))
        postgres = closing.enter_context(
            Postgres(
                folder / "postgres",
                postgres_port,
                secrets.token_hex(16),
                throwaway=True,
                max_connections=200 * workers,
            )
        )
        postgres.initialise()
        postgres_process = closing.enter_context(running(postgres.launch()))
        wait_until_ready(postgres.is_ready, postgres_process)
        wait_until_ready(valkey.is_ready, valkey_process)
        yield Servers(postgres.url(), valkey.url())


@contextmanager
def running(launch: Launch) -> Iterator[subprocess.Popen[bytes]]:
    """The process of a launch, silent; ended with its own stop signals."""
    process = subprocess.Popen(  # noqa: S603 - our own programs
        launch.argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **launch.options()
    )
    try:
        yield process
    finally:
        for stop_signal in launch.stop_signals:
            process.send_signal(stop_signal)
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                continue
            break


def wait_until_ready(is_ready: Callable[[], Coroutine[Any, Any, bool]], process: subprocess.Popen[bytes]) -> None:
    """Returns when the server answers. Raises RuntimeError when it ends first, TimeoutError when it takes too long."""
    patient_until = time.monotonic() + _PATIENCE_S

    async def poll() -> None:
        while not await is_ready():
            if process.poll() is not None:
                raise RuntimeError(f"{process.args!r} ended with {process.returncode} before it was ready")
            if time.monotonic() > patient_until:
                raise TimeoutError(f"{process.args!r} was not ready within {_PATIENCE_S:.0f} s")
            await asyncio.sleep(0.01)

    asyncio.run(poll())
