"""A constant load on all services through two gateways, and what came of it.

A client goes to the other gateway only when its own refuses the connection, as a load balancer does. No request that
was sent is ever sent again: whatever happens to it afterwards counts.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

# A read of each service, and a write that nothing on the way may repeat.
REQUESTS = (
    ("GET", "/api/v1/users/me"),
    ("GET", "/api/v1/apps"),
    ("GET", "/api/v1/points"),
    ("GET", "/api/v1/feeds"),
    ("GET", "/login"),
    ("PATCH", "/api/v1/users/me"),
)
PAUSE_SECONDS = 0.02  # of each client between two requests: the load is constant, not all that the machine can do


@dataclass
class Load:
    """What was answered."""

    answers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest: float = 0.0

    @property
    def total(self) -> int:
        """All requests."""
        return self.answers.total() + len(self.failures)

    async def client(self, urls: Sequence[str], token: str, method: str, path: str) -> None:
        """One request after the other, for ever."""
        headers = {"Authorization": f"Bearer {token}"}
        body = {"name": "Ada under load"} if method == "PATCH" else None
        async with httpx.AsyncClient(headers=headers, timeout=30) as http:
            turn = 0
            while True:
                began = time.monotonic()
                try:
                    answer = await http.request(method, urls[turn % len(urls)] + path, json=body)
                except httpx.ConnectError:
                    turn += 1
                    await asyncio.sleep(PAUSE_SECONDS)
                    continue
                except httpx.HTTPError as error:
                    self.failures.append(f"{time.strftime('%T')} {method} {path}: {error!r}")
                    continue
                self.slowest = max(self.slowest, time.monotonic() - began)
                if answer.status_code == httpx.codes.OK:
                    self.answers[f"{method} {path}"] += 1
                else:
                    self.failures.append(
                        f"{time.strftime('%T')} {method} {path}: {answer.status_code} {answer.text[:200]}"
                    )
                await asyncio.sleep(PAUSE_SECONDS)


@asynccontextmanager
async def constant_load(urls: Sequence[str], token: str, *, clients: int = 2) -> AsyncIterator[Load]:
    """Load from here to the end of the block, by so many clients for each kind of request."""
    load = Load()
    tasks = [
        asyncio.create_task(load.client(urls[number % 2 :] + urls[: number % 2], token, method, path))
        for method, path in REQUESTS
        for number in range(clients)
    ]
    try:
        yield load
    finally:
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                load.failures.append(repr(outcome))
