"""Kills each service of the running platform under load, in turn, and looks at what clients of the gateway see.

    .venv/bin/python chaos/platform_services.py [--rounds 6]

By SIGKILL and by SIGTERM; the supervisor starts it again. While a service is away its own addresses may answer 502, 503
and 504, each a problem, or be cut in the middle of an answer that had begun, and the addresses of the others answer as
always; once all are ready again, nothing but 200.
"""

# ruff: noqa: T201 - a script prints

import argparse
import asyncio
import os
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path

import httpx
import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "e2e"))
from running_platform import ADMIN, Account, Platform

SERVICES = {
    "auth_service": "/api/v1/users/me",
    "catalog_service": "/api/v1/apps",
    "rewards_service": "/api/v1/points",
    "isin_worker": "/api/v1/feeds",
    "web": "/login",
}
CLIENTS_EACH = 3
UP_SECONDS, SETTLE_SECONDS, READY_SECONDS = 0.5, 0.3, 30
AWAY = {502, 503, 504}


class Trial:
    """The load, and what came of it."""

    def __init__(self) -> None:
        self.away: str | None = None  # the service that was killed, until all are ready again
        self.answers: Counter[str] = Counter()
        self.faults: list[str] = []

    async def load(self, client: httpx.AsyncClient, service: str) -> None:
        """Requests for one service one after the other, for ever."""
        while True:
            away_before = self.away
            try:
                answer = await client.get(SERVICES[service])
            except httpx.RemoteProtocolError as error:
                self.answers["cut"] += 1
                if service not in {away_before, self.away}:
                    self.faults.append(f"{service}, {away_before} away: {error!r}")
                continue
            away = service in {away_before, self.away}
            self.answers[f"{answer.status_code} {'away' if away else 'there'}"] += 1
            problem = answer.headers.get("content-type") == "application/problem+json"
            if answer.status_code != 200 and not (away and problem and answer.status_code in AWAY):
                self.faults.append(f"{service}, {away_before} away: {answer.status_code} {answer.text[:200]}")


def process_of(platform: Platform, service: str) -> int:
    """The process that serves; a supervisor's child, as are the workers of the same package."""
    (pid,) = (pid for pid, line in platform.processes().items() if f"-m {service} serve" in line)
    return pid


async def kill(trial: Trial, platform: Platform, client: httpx.AsyncClient, service: str, how: signal.Signals) -> float:
    """Kill it and wait until all is ready again. Returns after how many seconds that was."""
    loop = asyncio.get_running_loop()
    victim = process_of(platform, service)
    trial.away, began = service, loop.time()
    os.kill(victim, how)
    async with asyncio.timeout(READY_SECONDS):
        # Another process changes, which tells nobody.
        while psutil.pid_exists(victim) or (await client.get("/readyz")).status_code != 200:  # noqa: ASYNC110 - as said
            await asyncio.sleep(0.05)
    seconds = loop.time() - began
    await asyncio.sleep(SETTLE_SECONDS)
    trial.away = None
    await asyncio.sleep(UP_SECONDS)
    return seconds


async def run(platform: Platform, rounds: int) -> None:
    trial = Trial()
    headers = dict(Account(platform.url).sign_in(*ADMIN).http.headers)
    async with httpx.AsyncClient(base_url=platform.url, headers=headers, timeout=30) as client:
        await asyncio.sleep(SETTLE_SECONDS)  # services that start before auth ask it for its keys again and again
        tasks = [asyncio.create_task(trial.load(client, service)) for service in SERVICES for _ in range(CLIENTS_EACH)]
        for service in SERVICES:
            back = [
                await kill(trial, platform, client, service, signal.SIGTERM if number % 2 else signal.SIGKILL)
                for number in range(rounds)
            ]
            print(f"{service:16} {rounds} kills, all ready again after at most {max(back):.1f} s")
        for task in tasks:
            task.cancel()
        broken = [one for one in await asyncio.gather(*tasks, return_exceptions=True) if isinstance(one, Exception)]
    for name, count in sorted(trial.answers.items()):
        print(f"{name:14} {count:9,}")
    print(f"{len(trial.faults)} answers that should not be, {len(broken)} clients that broke")
    sys.exit("\n".join([*trial.faults[:10], *map(repr, broken)]) or None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=6)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        platform = Platform(Path(folder) / "var").launch()
        try:
            asyncio.run(run(platform.wait_ready(), rounds))
        finally:
            platform.stop()


if __name__ == "__main__":
    main()
