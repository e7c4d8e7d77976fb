"""Replaces every container of the services, one after the other, without a failed request.

    python deploy/roll.py [--restart] [SERVICE ...]

Each goes when all others of its service are ready; the next waits until its successor is. Without ``--restart`` the
successor is made anew, with the images and settings that the Compose file names now: an upgrade, or a roll-back.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

COMPOSE = ("docker", "compose")
# Migrations have run before. The door comes last: it needs all the others.
ORDER = ("auth", "catalog", "rewards", "isin", "web", "rewards-worker", "isin-worker", "gateway")
READY_SECONDS = 300


def run(*command: str) -> str:
    """What a command prints. Raises CalledProcessError; what it complains about is shown."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()  # noqa: S603 - our own


def containers(service: str) -> list[str]:
    """The running ones."""
    return run(*COMPOSE, "ps", "--quiet", service).split()


def wait_ready(service: str, count: int) -> None:
    """Until as many are healthy. Raises TimeoutError."""
    until = time.monotonic() + READY_SECONDS
    while True:
        states = [run("docker", "inspect", "--format", "{{.State.Health.Status}}", one) for one in containers(service)]
        if len(states) == count and set(states) == {"healthy"}:
            return
        if time.monotonic() > until:
            raise TimeoutError(f"{service}: {states} after {READY_SECONDS} s")
        time.sleep(0.5)


def replace(service: str, *, restart: bool) -> None:
    """One container of the service after the other."""
    old = containers(service)
    wait_ready(service, len(old))
    for one in old:
        if restart:
            run("docker", "restart", one)
        else:
            run("docker", "stop", one)
            run("docker", "rm", one)
            scale = f"{service}={len(old)}"
            run(*COMPOSE, "up", "--detach", "--no-deps", "--no-recreate", "--no-build", "--scale", scale, service)
        wait_ready(service, len(old))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--restart", action="store_true", help="the same containers again")
    parser.add_argument("services", nargs="*", default=ORDER, metavar="SERVICE")
    arguments = parser.parse_args()
    os.environ.setdefault("COMPOSE_FILE", str(Path(__file__).with_name("compose.yaml")))
    os.environ.setdefault("COMPOSE_PROGRESS", "quiet")
    for service in arguments.services:
        began = time.monotonic()
        replace(service, restart=arguments.restart)
        took = time.monotonic() - began
        sys.stdout.write(f"{time.strftime('%T')} {service}: replaced in {took:.0f} s\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
