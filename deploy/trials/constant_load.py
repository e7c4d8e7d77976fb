"""A constant load on all services through two gateways, and what came of it.

As a load balancer does, it asks each gateway twice a second whether it is ready, and sends requests to those that are.
No request that was sent is ever sent again: whatever happens to it afterwards counts.
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
CHECK_SECONDS = 0.5
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

    async def client(self, gateways: "Gateways", token: str, method: str, path: str) -> None:
        """One request after the other, for ever."""
        headers = {"Authorization": f"Bearer {token}"}
        body = {"name": "Ada under load"} if method == "PATCH" else None
        async with httpx.AsyncClient(headers=headers, timeout=30) as http:
            while True:
                url = await gateways.next()
                began = time.monotonic()
                try:
                    answer = await http.request(method, url + path, json=body)
                except httpx.HTTPError as error:
                    self.failures.append(f"{time.strftime('%T')} {method} {path}: {error!r}")
                else:
                    self._note(f"{method} {path}", answer, time.monotonic() - began)
                await asyncio.sleep(PAUSE_SECONDS)

    def _note(self, request: str, answer: httpx.Response, seconds: float) -> None:
        self.slowest = max(self.slowest, seconds)
        if answer.status_code == httpx.codes.OK:
            self.answers[request] += 1
        else:
            self.failures.append(f"{time.strftime('%T')} {request}: {answer.status_code} {answer.text[:200]}")


class Gateways:
    """Those that were ready when they were asked last, in turn."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = urls
        self._ready: list[str] = []
        self._turn = 0
        self._asked = asyncio.Event()

    async def next(self) -> str:
        """Where the next request goes. Waits while none is ready."""
        while not self._ready:
            self._asked.clear()
            await self._asked.wait()
        self._turn += 1
        return self._ready[self._turn % len(self._ready)]

    async def watch(self) -> None:
        """Ask all of them, for ever."""
        async with httpx.AsyncClient(timeout=2) as http:
            while True:
                ready = await asyncio.gather(*(self._is_ready(http, url) for url in self._urls))
                self._ready = [url for url, yes in zip(self._urls, ready, strict=True) if yes]
                self._asked.set()
                await asyncio.sleep(CHECK_SECONDS)

    async def _is_ready(self, http: httpx.AsyncClient, url: str) -> bool:
        try:
            return (await http.get(f"{url}/readyz")).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False


@asynccontextmanager
async def constant_load(urls: Sequence[str], token: str, *, clients: int = 2) -> AsyncIterator[Load]:
    """Load from here to the end of the block, by so many clients for each kind of request."""
    load, gateways = Load(), Gateways(urls)
    work = [load.client(gateways, token, *request) for request in REQUESTS for _ in range(clients)]
    tasks = [asyncio.create_task(one) for one in [gateways.watch(), *work]]
    try:
        yield load
    finally:
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                load.failures.append(repr(outcome))
