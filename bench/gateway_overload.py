"""What the gateway does when far more comes than a service can take.

    .venv/bin/python bench/gateway_overload.py [--seconds 5]

The service takes PLACES requests at once, each for SERVICE_SECONDS, so its capacity is known and costs no processor.
Requests arrive by the clock, whether or not earlier ones are answered: at the knee, at four times the knee, and again
at half of it. Goodput is good answers within a second. ``--in-flight``: requests that a service may have.
"""
# ruff: noqa: T201 - a bench prints

import argparse
import asyncio
import os
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "gateway" / "tests"))
from running_gateway import raw_server

from local_stack.ports import free_ports

PLACES, SERVICE_SECONDS = 10, 0.01
KNEE = PLACES / SERVICE_SECONDS
CLIENTS = 200  # connections; a request that finds none free waits, and its time counts from when it was due
REQUEST = b"GET /login HTTP/1.1\r\nHost: bench\r\n\r\n"


class Load:
    """Arrivals by the clock over kept connections."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
        self.answers: list[tuple[float, int, float]] = []  # when it was due, status, seconds

    async def open(self) -> None:
        for _ in range(CLIENTS):
            self.free.put_nowait(await asyncio.open_connection("127.0.0.1", self.port))

    async def one(self, due: float) -> None:
        stream = await self.free.get()
        stream[1].write(REQUEST)
        head = await stream[0].readuntil(b"\r\n\r\n")
        length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        await stream[0].readexactly(int(length.split(b":")[1]))
        self.free.put_nowait(stream)
        self.answers.append((due, int(head[9:12]), time.monotonic() - due))

    async def run(self, rate: float, seconds: float) -> list[tuple[float, int, float]]:
        """The answers to what arrives at this rate for so long."""
        self.answers = []
        started = time.monotonic()
        tasks = []
        for number in range(int(rate * seconds)):
            due = started + number / rate
            if due > (now := time.monotonic()):
                await asyncio.sleep(due - now)
            tasks.append(asyncio.create_task(self.one(due)))
        await asyncio.gather(*tasks)
        return self.answers


def report(name: str, answers: list[tuple[float, int, float]], seconds: float) -> float:
    good = [took for _, status, took in answers if status == 200 and took <= 1]
    statuses = dict(Counter(status for _, status, _ in answers))
    p50, p99 = (sorted(good)[int(len(good) * share)] * 1000 for share in (0.5, 0.99))
    print(f"{name:22} goodput {len(good) / seconds:8.0f}/s  p50 {p50:6.1f} ms  p99 {p99:6.1f} ms  {statuses}")
    return len(good) / seconds


async def run(options: argparse.Namespace) -> None:
    places = asyncio.Semaphore(PLACES)

    async def service(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):  # the gateway ends the connection when it has too many
            while await reader.readuntil(b"\r\n\r\n"):
                async with places:
                    await asyncio.sleep(SERVICE_SECONDS)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    async with raw_server(service) as behind:
        (port,) = free_ports(1)
        ours = {
            f"GATEWAY_{name}_URL": f"http://127.0.0.1:{behind}"
            for name in ("AUTH", "CATALOG", "REWARDS", "ISIN", "WEB")
        }
        ours |= {
            "GATEWAY_RATE_LIMITS": "off",
            "GATEWAY_UPSTREAM_REQUESTS": str(options.in_flight),
            "GATEWAY_ACCESS_LOG": "0",
        }
        command = (sys.executable, "-m", "gateway", "serve", "--port", str(port))
        out = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(*command, env=os.environ | ours, stdout=out, stderr=out)
        load = Load(port)
        while load.free.empty():
            try:
                await load.open()
            except OSError:
                await asyncio.sleep(0.1)
        knee = report("at the knee", await load.run(KNEE * 0.95, options.seconds), options.seconds)
        over = report("at four times the knee", await load.run(KNEE * 4, options.seconds), options.seconds)
        after = await load.run(KNEE * 0.5, 2)
        report("at half, at once", after, 2)
        late = [due for due, status, took in after if status != 200 or took > 0.25]
        recovery = max(late, default=after[0][0]) - after[0][0]
        print(f"kept {over / knee:.2f} of the goodput; good again after {recovery:.2f} s")
        process.terminate()
        await process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--in-flight", type=int, default=64)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
