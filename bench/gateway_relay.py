"""The gateway between wrk and a small service, against that service alone.

    .venv/bin/python bench/gateway_relay.py [--rounds 5] [--seconds 3] [--connections 32]

The service answers 1 KiB of JSON under uvicorn. Both take turns, so that a change of the machine's mood meets both, and
figures are medians of the rounds. The processor's time for each request (user and system, of the process in question)
says more than requests a second, for which wrk, service and gateway share the cores. Needs wrk. Rate limits are off.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psutil
from starlette.types import Receive, Scope, Send

from local_stack.ports import free_ports

BODY = b'{"x":"' + b"a" * 1016 + b'"}'
QUIET = ["--no-access-log", "--log-level", "warning", "--lifespan", "off"]


async def service(_scope: Scope, _receive: Receive, send: Send) -> None:
    """The service behind the gateway."""
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})


@contextmanager
def running(port: int, *argv: str) -> Iterator[psutil.Process]:
    command = [sys.executable, "-m", *argv, "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:  # noqa: S603 # our own
        try:
            while not answers(f"http://127.0.0.1:{port}/healthz"):
                time.sleep(0.1)
            yield psutil.Process(process.pid)
        finally:
            process.terminate()


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=1):  # noqa: S310 # an address on loopback
            return True
    except URLError:
        return False


def measure(port: int, process: psutil.Process, options: argparse.Namespace) -> tuple[float, float]:
    """Requests a second, and microseconds of the process for each."""
    spent = sum(process.cpu_times()[:2])
    target = f"http://127.0.0.1:{port}/api/v1/apps"
    command = [
        "wrk",
        "-t1",
        f"-c{options.connections}",
        f"-d{options.seconds}s",
        "-H",
        "Authorization: Bearer t",
        target,
    ]
    report = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 # our own
    if "Non-2xx" in report or "Socket errors" in report:
        sys.exit(report)
    requests = int(re.findall(r"(\d+) requests in", report)[0])
    return float(re.findall(r"Requests/sec:\s+([0-9.]+)", report)[0]), (
        sum(process.cpu_times()[:2]) - spent
    ) / requests * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("rounds", 5), ("seconds", 3), ("connections", 32)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed (on Debian and Ubuntu: the package wrk)")
    behind, door = free_ports(2)
    services = {
        f"GATEWAY_{name}_URL": f"http://127.0.0.1:{behind}" for name in ("AUTH", "CATALOG", "REWARDS", "ISIN", "WEB")
    }
    os.environ |= services | {"GATEWAY_RATE_LIMITS": "off", "GATEWAY_ENVIRONMENT": "test"}
    with ExitStack() as stack:
        folder = str(Path(__file__).parent)
        alone = stack.enter_context(
            running(behind, "uvicorn", f"{Path(__file__).stem}:service", "--app-dir", folder, *QUIET)
        )
        gateway = stack.enter_context(running(door, "gateway", "serve"))
        rounds = [(measure(behind, alone, options), measure(door, gateway, options)) for _ in range(options.rounds)]
    for number, name in enumerate(("the service alone", "through the gateway")):
        rate, spent = (statistics.median(one[number][figure] for one in rounds) for figure in (0, 1))
        print(f"{name:20} {rate:8,.0f} requests/s {spent:6.1f} us of its process for each")  # noqa: T201 # a bench prints
    ratio = statistics.median(through[0] / direct[0] for direct, through in rounds)
    print(f"{'ratio':20} {ratio:8.2f}")  # noqa: T201 # as above


if __name__ == "__main__":
    main()
