"""Half an hour of steady load on the running platform: the memory and the open files of each process stay flat.

    .venv/bin/python chaos/platform_soak.py [--minutes 30] [--rate 20]

Twenty requests a second by the clock (open_loop.py): lists, balances, ISINs, pages, logins. Besides, a few people do
whole tasks with screenshots and decisions, adjust, and order the list of ISINs, with pauses (platform_crowd.py). Memory
is what a process has to itself (USS), so that what the system keeps of files does not count. Flat: in the last third at
most GROWTH times that of the second, and MIB_ALLOWED; so with files, and MORE_FILES. The first third warms caches up.
"""

# ruff: noqa: T201 - a script prints

import argparse
import asyncio
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import mean

import psutil
import uvloop
from open_loop import Answer, OpenLoop, percentile, request, told
from platform_crowd import Crowd

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "e2e"))
from running_platform import ADMIN, Account, Platform

GROWTH, MIB_ALLOWED, MORE_FILES = 1.05, 5, 5
SAMPLE_SECONDS = 10.0
PEOPLE, PAUSE_SECONDS = 4, 4.0
MIB = 2**20


@dataclass
class Watched:
    """A process of the platform with those that it has started, and what they had at each look."""

    name: str
    process: psutil.Process
    with_children: bool = True
    memory: list[float] = field(default_factory=list)
    files: list[int] = field(default_factory=list)

    def look(self) -> None:
        """Once more. Raises psutil.NoSuchProcess when it is gone."""
        memory, files = self.process.memory_full_info().uss, self.process.num_fds()
        for child in self.process.children(recursive=True) if self.with_children else []:
            with suppress(psutil.NoSuchProcess):  # those come and go
                memory, files = memory + child.memory_full_info().uss, files + child.num_fds()
        self.memory.append(memory / MIB)
        self.files.append(files)

    def thirds(self) -> list[tuple[float, float]]:
        """Mean memory in MiB, and mean number of open files, in each third."""
        size = len(self.memory) // 3
        parts = [slice(0, size), slice(size, 2 * size), slice(2 * size, None)]
        return [(mean(self.memory[part]), mean(self.files[part])) for part in parts]

    @property
    def flat(self) -> bool:
        """Whether it grows no more."""
        _, (memory, files), (memory_then, files_then) = self.thirds()
        return memory_then <= memory * GROWTH + MIB_ALLOWED and files_then <= files * GROWTH + MORE_FILES

    def line(self) -> str:
        """For the table."""
        parts = "".join(f"{memory:10.1f} {files:7.1f}" for memory, files in self.thirds())
        return f"{self.name:16}{parts}   {'flat' if self.flat else 'GROWS'}"


def watched(platform: Platform) -> list[Watched]:
    """The supervisor, and each process that it has started."""
    supervisor = psutil.Process(platform.pid)
    return [
        Watched("supervisor", supervisor, with_children=False),
        *(Watched(name_of(child.cmdline()), child) for child in supervisor.children()),
    ]


def name_of(command: list[str]) -> str:
    """Of a process: the package and what it does, or the program."""
    if "-m" in command:
        package, what = command[command.index("-m") + 1 :][:2]
        return f"{package.removesuffix('_service')} {what}"
    return Path(command[0].split()[0].rstrip(":")).name


def wires(platform: Platform, isin: str) -> Iterator[tuple[str, bytes]]:
    """What is asked in turn, by somebody who has just signed in."""
    bearer = Account(platform.url).sign_in(*ADMIN).http.headers["Authorization"]
    paths = {"apps": "/api/v1/apps?limit=20", "points": "/api/v1/points", "isin": f"/api/v1/isins/{isin}"}
    reads = [(name, request("GET", path, Authorization=bearer)) for name, path in [*paths.items(), ("page", "/login")]]
    body = json.dumps({"email": ADMIN[0], "password": ADMIN[1]}).encode()
    return itertools.cycle([*reads * 10, ("login", request("POST", "/api/v1/auth/login", body=body))])


async def soak(platform: Platform, minutes: int, rate: float) -> list[str]:
    """The load, and the looks."""
    isin = Account(platform.url).sign_in(*ADMIN).get("/api/v1/isins", limit="1").json()["items"][0]["isin"]
    processes = watched(platform)
    answers: list[Answer] = []

    async def look() -> None:
        while True:
            for one in processes:
                one.look()
            await asyncio.sleep(SAMPLE_SECONDS)

    random = Random(1)  # noqa: S311 - to be repeated
    async with Crowd(platform, random, PEOPLE, apps=minutes * 15 + 5, pause=PAUSE_SECONDS) as crowd:
        crowd.go_on()
        looking = asyncio.create_task(look())
        for minute in range(minutes):
            loop = OpenLoop(platform.port)
            answers += await loop.run(await asyncio.to_thread(wires, platform, isin), rate, 60)
            loop.close()
            memory = sum(one.memory[-1] for one in processes)
            print(f"{time.strftime('%H:%M:%S')} {minute + 1} min: {told(answers)}, {memory:.0f} MiB", flush=True)
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
        await crowd.pause(60)
    return [*report(processes, answers, crowd), *crowd.traffic.faults]


def report(processes: list[Watched], answers: list[Answer], crowd: Crowd) -> list[str]:
    """Print what was seen. Returns what should not be."""
    seen = crowd.seen()
    tasks = sum(count for name, count in seen.items() if name.startswith("tasks "))
    print(f"{len(answers):,} requests by the clock: {told(answers)}; p50 {percentile(answers, 0.5):.1f} ms,", end=" ")
    print(f"p99 {percentile(answers, 0.99):.1f} ms; {tasks} tasks with a screenshot; {len(processes[0].memory)} looks")
    print(f"{'':16}" + "".join(f"{third + ' third':>18}" for third in ("first", "second", "last")))
    print(f"{'':16}" + f"{'MiB':>10} {'files':>7}" * 3)
    for one in processes:
        print(one.line())
    bad = sum(answer.status != 200 for answer in answers)
    return [*(f"{one.name} grows" for one in processes if not one.flat), *([f"{bad} not answered well"] if bad else [])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--rate", type=float, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        platform = Platform(Path(folder) / "var").launch()
        try:
            faults = uvloop.run(soak(platform.wait_ready(), options.minutes, options.rate))
        finally:
            platform.stop()
    sys.exit("\n".join(faults) or None)


if __name__ == "__main__":
    main()
