"""Kills and restarts the service behind the gateway under load, again and again.

    .venv/bin/python chaos/gateway_upstreams.py [--kills 20]

While it is away there may be 502, 503 and 504, each a problem; after it has answered its first request again, nothing
but 200. A quarter of the requests are POSTs with an Idempotency-Key, a quarter POSTs without.
"""

import argparse
import asyncio
import signal
import sys
from collections import Counter
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).parents[1] / "gateway" / "tests"))
from running_gateway import open_gateway

from local_stack.ports import free_ports

CLIENTS = 16
UP_SECONDS, DOWN_SECONDS, SETTLE_SECONDS = 0.7, 0.3, 0.3
SERVICE = """
import sys, uvicorn
async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"{}"})
uvicorn.run(app, port=int(sys.argv[1]), lifespan="off", log_level="critical", access_log=False)
"""


class Trial:
    """One service, its load, and what came of it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.settled = True
        self.answers: Counter[str] = Counter()
        self.faults: list[str] = []

    async def start(self) -> asyncio.subprocess.Process:
        """The service, once it answers."""
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", SERVICE, str(self.port))
        async with httpx.AsyncClient() as client:
            while True:
                try:
                    await client.get(f"http://127.0.0.1:{self.port}/")
                except httpx.HTTPError:
                    await asyncio.sleep(0.02)
                else:
                    return process

    async def load(self, client: httpx.AsyncClient, number: int) -> None:
        """Requests one after the other, for ever."""
        method = "GET" if number % 2 else "POST"
        headers = {"Idempotency-Key": "k" * 8} if number % 4 == 0 else {}
        while True:
            settled = self.settled
            answer = await client.request(method, "/api/v1/apps", headers=headers)
            self.answers[f"{answer.status_code} {'settled' if settled else 'away'}"] += 1
            if answer.status_code == 200:
                continue
            problem = answer.headers.get("content-type") == "application/problem+json"
            if not problem or answer.status_code not in {502, 503, 504} or (settled and self.settled):
                self.faults.append(f"{method} {answer.status_code} {answer.text[:100]}")


async def run(kills: int) -> None:
    (port,) = free_ports(1)
    trial = Trial(port)
    async with open_gateway(ports={"catalog": port}) as gateway:
        process = await trial.start()
        tasks = [asyncio.create_task(trial.load(gateway.client, number)) for number in range(CLIENTS)]
        for number in range(kills):
            await asyncio.sleep(UP_SECONDS)
            trial.settled = False
            process.send_signal(signal.SIGTERM if number % 2 else signal.SIGKILL)
            await process.wait()
            await asyncio.sleep(DOWN_SECONDS)
            process = await trial.start()
            await asyncio.sleep(SETTLE_SECONDS)
            trial.settled = True
        await asyncio.sleep(UP_SECONDS)
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        process.terminate()
        await process.wait()
    for name, count in sorted(trial.answers.items()):
        print(f"{name:14} {count:9,}")  # noqa: T201 - a script prints
    broken = [error for error in ended if not isinstance(error, asyncio.CancelledError)]
    print(f"{kills} kills, {len(trial.faults)} answers that should not be, {len(broken)} clients that broke")  # noqa: T201 - as above
    sys.exit("\n".join([*trial.faults[:10], *map(repr, broken)]) or None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    asyncio.run(run(parser.parse_args().kills))


if __name__ == "__main__":
    main()
