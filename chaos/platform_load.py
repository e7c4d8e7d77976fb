"""How much the running platform takes, and what it does when more comes: open loop, through the gateway.

    .venv/bin/python chaos/platform_load.py [--seconds 8] [--only knee,logins,slow,connections]

Requests for the catalogue, the balance and an ISIN in turn, of one person, by the clock (open_loop.py). The knee is the
highest rate at which 99 of 100 are answered within KNEE_P99 and nothing is refused; over it, goodput is what is
answered within a second. The load comes from a process of its own on the same machine, and takes its share of it.
"""

# ruff: noqa: T201 - a script prints

import argparse
import asyncio
import itertools
import json
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import uvloop
from open_loop import Answer, OpenLoop, percentile, request, told

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "e2e"))
from running_platform import ADMIN, Account, Platform

KNEE_P99 = 100  # milliseconds
STEP = 1.3
GOOD_SECONDS, SOON_SECONDS = 1.0, 0.25
LOW, STORM = 50, 60
"""Requests a second of those who look on, and logins: each costs about 30 ms of a processor on purpose."""
SLOW, CONNECTIONS = 200, 1000
MIB = 2**20


class Load:
    """A platform, somebody who is signed in, and what they ask for."""

    def __init__(self, platform: Platform, seconds: float) -> None:
        self.port, self.seconds = platform.port, seconds
        account = Account(platform.url).sign_in(*ADMIN)
        self.bearer = account.http.headers["Authorization"]
        isin = account.get("/api/v1/isins", limit="1").json()["items"][0]["isin"]
        self.paths = {"apps": "/api/v1/apps?limit=20", "points": "/api/v1/points", "isin": f"/api/v1/isins/{isin}"}
        (self.gateway,) = (
            psutil.Process(pid) for pid, line in platform.processes().items() if "-m gateway serve" in line
        )

    def mixed(self) -> Iterator[tuple[str, bytes]]:
        """Each kind in turn, for ever."""
        wires = [(name, request("GET", path, Authorization=self.bearer)) for name, path in self.paths.items()]
        return itertools.cycle(wires)

    async def at(self, rate: float, seconds: float | None = None) -> list[Answer]:
        """The answers to the mixture at this rate."""
        loop = OpenLoop(self.port)
        try:
            return await loop.run(self.mixed(), rate, seconds or self.seconds)
        finally:
            loop.close()

    async def knee(self) -> float:
        """The highest rate that is answered well."""
        await self.at(50, 3)  # connections to the databases are opened
        good, rate = 0.0, 100.0
        while True:
            answers = await self.at(rate)
            p99, fine = percentile(answers, 0.99), all(answer.status == 200 for answer in answers)
            p50 = percentile(answers, 0.5)
            print(f"{rate:8.0f}/s  p50 {p50:7.1f} ms  p99 {p99:8.1f} ms  {told(answers)}", flush=True)
            if not fine or p99 > KNEE_P99:
                return good
            good, rate = rate, rate * STEP


async def over_the_knee(load: Load) -> list[str]:
    """The knee, twice and four times of it, and how soon it is as before."""
    knee = await load.knee()
    print(f"the knee: {knee:.0f}/s")
    faults = [] if knee else ["nothing is answered well, at any rate"]
    for times in (1, 2, 4) if knee else ():
        answers = await load.at(knee * times)
        after = await load.at(knee / 2, 5)
        good = sum(answer.good(GOOD_SECONDS) for answer in answers) / load.seconds
        shed = [answer for answer in answers if answer.status == 503]
        silent = sum(not answer.retry_after for answer in shed)
        late = [answer.due for answer in after if not answer.good(SOON_SECONDS)]
        recovery = max(late, default=after[0].due) - after[0].due
        print(
            f"{times} x the knee: goodput {good:.0f}/s, {good / knee:.2f} of the knee; {told(answers)};"
            f" {silent} of {len(shed)} 503 without Retry-After; as before {recovery:.1f} s after the end",
            flush=True,
        )
        faults += [f"{silent} answers 503 do not say when to come again"] * bool(silent)
        faults += [f"after {times} x the knee not as before"] * (recovery > 4)
    return faults


async def logins(load: Load) -> list[str]:
    """Many log in at once: what others notice."""
    body = json.dumps({"email": ADMIN[0], "password": ADMIN[1]}).encode()
    before = await load.at(LOW)
    storm = OpenLoop(load.port)
    some = itertools.repeat(("login", request("POST", "/api/v1/auth/login", body=body)))
    others, storming = await asyncio.gather(load.at(LOW), storm.run(some, STORM, load.seconds))
    storm.close()
    inside = [answer for answer in storming if answer.status == 200]
    print(f"login storm, {STORM}/s: {told(storming)}; {len(inside) / load.seconds:.0f}/s let in,", end=" ")
    print(f"p99 {percentile(inside, 0.99):.0f} ms")
    return beside("the storm", before, others)


async def slow_clients(load: Load) -> list[str]:
    """Bodies that trickle and answers that nobody takes: what others notice, and how soon the slow ones must go."""
    before, memory = await load.at(LOW), load.gateway.memory_info().rss
    with ExitStack() as stack:
        slow = [asyncio.create_task(trickle(load)) for _ in range(SLOW)]
        for _ in range(SLOW):
            stack.enter_context(unread(load))
        others = await load.at(LOW, 15)
        grown = (load.gateway.memory_info().rss - memory) / MIB
        gone = await asyncio.gather(*slow)
    print(
        f"{SLOW} slow bodies: all sent away after {min(gone):.1f} to {max(gone):.1f} s;"
        f" {SLOW} who do not read: {grown:.0f} MiB more in the gateway",
        flush=True,
    )
    return [*beside("slow clients", before, others), *(["slow bodies were not sent away"] if max(gone) > 30 else [])]


async def trickle(load: Load) -> float:
    """Send a body byte by byte until the other side has had enough. Returns after how many seconds that was."""
    reader, writer = await asyncio.open_connection("127.0.0.1", load.port)
    began = asyncio.get_running_loop().time()
    head = request("POST", "/api/v1/points/adjustments", body=b"x" * 1000, Authorization=load.bearer)
    writer.write(head[:-1000])
    gone = asyncio.create_task(reader.read())
    with suppress(OSError):
        while not gone.done():
            writer.write(b"x")
            await asyncio.wait({gone}, timeout=0.5)
        await gone
    writer.close()
    return asyncio.get_running_loop().time() - began


def unread(load: Load) -> socket.socket:
    """Asks for megabytes and reads nothing."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", load.port))
    client.setblocking(False)
    with suppress(BlockingIOError):
        client.send(request("GET", "/api/v1/isins?limit=100", Authorization=load.bearer) * 100)
    return client


async def connections(load: Load) -> list[str]:
    """A thousand connections that are held open: what others notice, and whether each still works."""
    before, memory = await load.at(LOW), load.gateway.memory_info().rss
    held = OpenLoop(load.port)
    await held.open(CONNECTIONS)
    some = itertools.repeat(("held", request("GET", load.paths["points"], Authorization=load.bearer)))
    first = await held.run(some, CONNECTIONS / 10, 10)  # one on each
    others = await load.at(LOW)
    grown, usable = (load.gateway.memory_info().rss - memory) / MIB, held.usable
    again = await held.run(some, CONNECTIONS / 10, 10)
    held.close()
    print(f"{CONNECTIONS:,} connections: {usable:,} still open; first {told(first)}, then {told(again)};", end=" ")
    print(f"{grown:.0f} MiB more in the gateway")
    bad = sum(answer.status != 200 for answer in [*first, *again]) + CONNECTIONS - usable
    return [*beside("held connections", before, others), *([f"{bad} of them were not answered"] if bad else [])]


def beside(what: str, before: list[Answer], others: list[Answer]) -> list[str]:
    """Say what others noticed. What they may not notice is an answer that is not 200."""
    print(f"  others at {LOW}/s beside {what}: p99 {percentile(others, 0.99):.1f} ms,", end=" ")
    print(f"before {percentile(before, 0.99):.1f} ms; {told(others)}", flush=True)
    return [f"others beside {what}: {told(others)}"] * any(answer.status != 200 for answer in others)


SCENES = {"knee": over_the_knee, "logins": logins, "slow": slow_clients, "connections": connections}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--only", default=",".join(SCENES))
    options = parser.parse_args()
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        platform = Platform(Path(folder) / "var").launch()
        try:
            load = Load(platform.wait_ready(), options.seconds)
            for name in options.only.split(","):
                faults += uvloop.run(SCENES[name](load))
        finally:
            platform.stop()
    sys.exit("\n".join(faults) or None)


if __name__ == "__main__":
    main()
