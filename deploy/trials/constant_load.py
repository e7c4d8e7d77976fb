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
from typing import Any
from uuid import uuid4

import httpx

Request = tuple[str, str, dict[str, Any] | None]  # method, path, body

# A read of each service, and a write that nothing on the way may repeat.
REQUESTS: tuple[Request, ...] = (
    ("GET", "/api/v1/users/me", None),
    ("GET", "/api/v1/apps", None),
    ("GET", "/api/v1/points", None),
    ("GET", "/api/v1/feeds", None),
    ("GET", "/login", None),
    ("PATCH", "/api/v1/users/me", {"name": "Ada under load"}),
)
CHECK_SECONDS = 0.5
ANSWER_SECONDS = 30
TOKEN_SECONDS = 120
PAUSE_SECONDS = 0.02  # of each client between two requests: the load is constant, not all that the machine can do


@dataclass
class Load:
    """What was answered."""

    answers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest: float = 0.0
    token: str = ""
    over: bool = False  # what was sent is still waited for

    @property
    def total(self) -> int:
        """All requests."""
        return self.answers.total() + len(self.failures)

    async def sign_in(self, gateways: "Gateways", http: httpx.AsyncClient, who: tuple[str, str]) -> None:
        """Get a token. Raises HTTPError."""
        login = {"email": who[0], "password": who[1]}
        answer = await http.post(f"{await gateways.next()}/api/v1/auth/login", json=login)
        self.token = str(answer.raise_for_status().json()["access_token"])

    async def stay_signed_in(self, gateways: "Gateways", http: httpx.AsyncClient, who: tuple[str, str]) -> None:
        """A token lives for minutes, and so does a trial."""
        while True:
            await asyncio.sleep(TOKEN_SECONDS)
            try:
                await self.sign_in(gateways, http, who)
            except httpx.HTTPError as error:
                self.failures.append(f"{time.strftime('%T')} sign-in: {error!r}")

    async def client(self, gateways: "Gateways", request: Request) -> None:
        """One request after the other; each is one thing to be done, by its key."""
        method, path, body = request
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS) as http:
            while not self.over:
                url = await gateways.next()
                began = time.monotonic()
                try:
                    headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": str(uuid4())}
                    answer = await http.request(method, url + path, json=body, headers=headers)
                except httpx.HTTPError as error:
                    self.failures.append(f"{time.strftime('%T')} {method} {path}: {error!r}")
                else:
                    self._note(f"{method} {path}", answer, time.monotonic() - began)
                await asyncio.sleep(PAUSE_SECONDS)

    def _note(self, request: str, answer: httpx.Response, seconds: float) -> None:
        self.slowest = max(self.slowest, seconds)
        if answer.is_success:
            self.answers[request] += 1
        else:
            self.failures.append(f"{time.strftime('%T')} {request}: {answer.status_code} {answer.text[:500]}")


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
async def constant_load(
    urls: Sequence[str], who: tuple[str, str], *, clients: int = 2, more: Sequence[Request] = ()
) -> AsyncIterator[Load]:
    """Load from here to the end of the block, by so many clients of this person for each kind of request."""
    load, gateways = Load(), Gateways(urls)
    async with httpx.AsyncClient(timeout=ANSWER_SECONDS) as http:
        watch = asyncio.create_task(gateways.watch())
        await load.sign_in(gateways, http, who)
        work = [load.client(gateways, request) for request in (*REQUESTS, *more) for _ in range(clients)]
        tasks = [asyncio.create_task(one) for one in work]
        beside = [watch, asyncio.create_task(load.stay_signed_in(gateways, http, who))]
        try:
            yield load
        finally:
            load.over = True
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            load.failures += [repr(outcome) for outcome in outcomes if isinstance(outcome, BaseException)]
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
