"""People who use the platform through its gateway while it is broken, and who remember what they were told.

Every request is sent until it has an answer: one that is lost, late or a 5xx is sent again under its key. Some are sent
twice at once, and some once more much later, as a network does that holds a packet back. So at any quiet moment each
person knows exactly what must be true.
"""

import asyncio
import io
import os
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Self
from uuid import uuid4

import httpx
from PIL import Image

AGAIN_SECONDS = 0.1
TWICE, LATER = 0.2, 0.1
"""How many of all requests are sent twice at once, and how many once more later."""
REVERSED = 0.3
"""How many of all adjustments are taken back."""
SLOWLY, SLOW_SECONDS, SLOW_PIECES = 0.25, 0.6, 6
"""How many of all pictures come over a slow line, and how long that takes."""
LIST_SECONDS = 300
BUSY = {"idempotency-key-in-progress"}
"""Told to the second of two requests under one key while the first is under way."""


class Broken(Exception):
    """An answer that no fault excuses."""


@dataclass
class Traffic:
    """What all people together have seen."""

    answers: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


class SlowBody:
    """What somebody sends over a slow line. It can be sent again."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = len(self._content) // SLOW_PIECES + 1
        for start in range(0, len(self._content), size):
            await asyncio.sleep(SLOW_SECONDS / SLOW_PIECES)
            yield self._content[start : start + size]


class Person:
    """A client of the REST API who does not give up."""

    def __init__(self, url: str, address: str, password: str, traffic: Traffic, random: Random) -> None:
        self._http = httpx.AsyncClient(base_url=url, timeout=10)
        self._credentials = {"email": address, "password": password}
        self.traffic = traffic
        self.random = random
        self._earlier: deque[tuple[tuple[str, str, str, dict[str, Any]], httpx.Response]] = deque(maxlen=50)
        self.id = ""

    async def sign_in(self) -> Self:
        """Until it succeeds."""
        answer = await self._sent("POST", "/api/v1/auth/login", "", {"json": self._credentials}, signing_in=True)
        self._http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        if not self.id:
            self.id = (await self.get("/api/v1/users/me")).json()["id"]
        return self

    async def register(self, mail_token: Callable[[], str]) -> None:
        """Open the account, and confirm its address."""
        expected(await self.send("/api/v1/auth/register", json={**self._credentials, "name": "A person"}), 202)
        await self.send("/api/v1/auth/verify-email", json={"token": await asyncio.to_thread(mail_token)})

    async def close(self) -> None:
        """No more requests."""
        await self._http.aclose()

    async def get(self, path: str) -> httpx.Response:
        """The answer, after as many tries as it takes."""
        return await self._sent("GET", path, "", {})

    async def send(self, path: str, **content: Any) -> httpx.Response:
        """The answer to a request that has no key."""
        return await self._sent("POST", path, "", content)

    async def post(self, path: str, **content: Any) -> httpx.Response:
        """The answer, which every repetition of the request must get too."""
        request = ("POST", path, str(uuid4()), content)
        if self.random.random() < TWICE:
            self.traffic.answers["sent twice"] += 1
            one, other = await asyncio.gather(self._sent(*request), self._sent(*request))
            self._expect_the_same(request, one, other)
        else:
            one = await self._sent(*request)
        self._earlier.append((request, one))
        if self.random.random() < LATER:
            self.traffic.answers["sent later again"] += 1
            request, one_then = self.random.choice(self._earlier)
            self._expect_the_same(request, one_then, await self._sent(*request))
        return one

    def _expect_the_same(self, request: Any, one: httpx.Response, other: httpx.Response) -> None:
        alike = one.content == other.content or one.status_code >= 400  # a problem names the request that it answers
        if one.status_code != other.status_code or not alike:
            told = f"{request[:3]}: {one.status_code} {one.text[:200]}, and then {other.status_code} {other.text[:200]}"
            self.traffic.faults.append(told)

    async def _sent(
        self, method: str, path: str, key: str, content: dict[str, Any], *, signing_in: bool = False
    ) -> httpx.Response:
        keyed = {"Idempotency-Key": key} if key else {}
        content = {**content, "headers": {**content.get("headers", {}), **keyed}}
        while True:
            try:
                answer = await self._http.request(method, path, **content)
            except httpx.HTTPError as error:
                self.traffic.answers[f"no answer ({type(error).__name__})"] += 1
            else:
                self.traffic.answers[str(answer.status_code)] += 1
                if answer.status_code == 401 and not signing_in:
                    await self.sign_in()
                elif answer.status_code < 500 and answer.status_code != 429 and _code(answer) not in BUSY:
                    return answer
                elif answer.status_code == 500:
                    self.traffic.faults.append(f"{method} {path}: 500 {answer.text[:300]}")
            await asyncio.sleep(AGAIN_SECONDS)


def _code(answer: httpx.Response) -> str:
    return str(answer.json().get("code")) if answer.status_code == 409 else ""


class Earner:
    """Somebody who does tasks, and knows what they have earned."""

    def __init__(self, person: Person, apps: list[str]) -> None:
        self.person = person
        self.points = 0
        """What was approved and adjusted, as far as anybody was told."""
        self.states: dict[str, str] = {}
        """Of each task, by its id."""
        self.proofs: list[str] = []
        self._apps = person.random.sample(apps, len(apps))

    @property
    def has_more(self) -> bool:
        """Whether there is an app that they have not had yet."""
        return bool(self._apps)

    async def submit(self) -> str | None:
        """Start a task and hand in a screenshot. Returns its id, or None when the disk is full."""
        task = await self.person.post("/api/v1/tasks", json={"app_id": self._apps.pop()})
        task_id = str(expected(task, 201)["id"])
        self.states[task_id] = "started"
        answer = await self.person.post(f"/api/v1/tasks/{task_id}/proofs", **self._upload())
        if answer.status_code == 507:  # the disk is full: nothing has changed
            return None
        self.proofs.append(str(expected(answer, 201)["id"]))
        self.states[task_id] = "submitted"
        return task_id

    def _upload(self) -> dict[str, Any]:
        picture = screenshot()
        if self.person.random.random() > SLOWLY:
            return {"files": {"file": ("screen.png", picture, "image/png")}}
        whole = httpx.Request("POST", "http://x", files={"file": ("screen.png", picture, "image/png")})
        headers = {name: whole.headers[name] for name in ("Content-Type", "Content-Length")}
        return {"content": SlowBody(whole.read()), "headers": headers}


class Reader:
    """Somebody who looks up ISINs, opens a page, and orders the list of today anew though nothing on it has changed."""

    def __init__(self, person: Person) -> None:
        self._person = person
        self._known: list[str] = []

    async def first_look(self) -> None:
        """Order the list, wait until it is there, and remember what is on it. Raises TimeoutError."""
        async with asyncio.timeout(LIST_SECONDS):
            await self.order()
            while await self._last_run() != "succeeded":  # noqa: ASYNC110 - a worker of the platform does it
                await asyncio.sleep(0.2)
            await self.look()

    async def order(self) -> None:
        """Have the list fetched and published again; somebody may be at it."""
        answer = await self._person.send("/api/v1/feeds/nse-equity/runs", json={"force": True})
        if answer.status_code != 409:
            expected(answer, 202)

    async def look(self) -> None:
        """What is published stays published, and the page opens."""
        found = [item["isin"] for item in expected(await self._person.get("/api/v1/isins?limit=20"), 200)["items"]]
        self._known = self._known or found
        if found != self._known or not found:
            self._person.traffic.faults.append(f"ISINs: {self._known}, and then {found}")
        page = await self._person.get("/login")
        if page.status_code != 200 or "</html>" not in page.text:
            self._person.traffic.faults.append(f"/login: {page.status_code} {page.text[:200]}")

    async def _last_run(self) -> str:
        page = expected(await self._person.get("/api/v1/feeds/nse-equity/runs?limit=1"), 200)
        return str(page["items"][0]["status"])


class Staff:
    """Two reviewers, who decide on one task at the same time now and then, and an administrator."""

    def __init__(self, reviewers: list[Person], admin: Person) -> None:
        self.reviewers = reviewers
        self.admin = admin

    async def decide(self, earner: Earner, task_id: str, points: int) -> None:
        """Approve or reject; of two decisions at once one holds, and both reviewers are told which."""
        body = {"decision": "approve"}
        if earner.person.random.random() < 0.2:
            body = {"decision": "reject", "reason_code": "unreadable"}
        several = earner.person.random.random() < 0.3
        who = self.reviewers if several else [earner.person.random.choice(self.reviewers)]
        answers = await asyncio.gather(*(one.post(f"/api/v1/reviews/{task_id}/decision", json=body) for one in who))
        taken = [answer for answer in answers if answer.status_code == 200]
        if len(taken) != 1 or any(answer.status_code not in {200, 409} for answer in answers):
            told = [f"{answer.status_code} {answer.text[:150]}" for answer in answers]
            earner.person.traffic.faults.append(f"decisions on {task_id}: {told}")
        approved = body["decision"] == "approve"
        earner.states[task_id] = "approved" if approved else "rejected"
        earner.points += points if approved else 0

    async def adjust(self, earner: Earner) -> None:
        """Give some points by hand, and take them back now and then."""
        points = earner.person.random.randint(1, 9)
        body = {"user_id": earner.person.id, "points": points, "reason": "for the trial"}
        given = expected(await self.admin.post("/api/v1/points/adjustments", json=body), 201)
        earner.points += points
        if self.admin.random.random() < REVERSED:
            await self._reverse(str(given["id"]))
            earner.points -= points

    async def _reverse(self, transaction_id: str) -> None:
        """Take it back, twice at the same time: one of them holds."""
        request, reason = f"/api/v1/points/transactions/{transaction_id}/reverse", {"reason": "for the trial"}
        answers = await asyncio.gather(*(self.admin.post(request, json=reason) for _ in range(2)))
        if sorted(answer.status_code for answer in answers) != [201, 409]:
            told = [f"{answer.status_code} {answer.text[:150]}" for answer in answers]
            self.admin.traffic.faults.append(f"reversals of {transaction_id}: {told}")


def expected(answer: httpx.Response, status: int) -> dict[str, Any]:
    """Its content. Raises Broken when it has another status."""
    if answer.status_code != status:
        raise Broken(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:300]}")
    found: dict[str, Any] = answer.json()
    return found


def screenshot() -> bytes:
    """A small picture that nobody has sent before."""
    content = io.BytesIO()
    picture = Image.new("RGB", (320, 480), (240, 240, 245))
    picture.paste(Image.frombytes("RGB", (16, 16), os.urandom(768)).resize((160, 160)), (80, 80))
    picture.save(content, "PNG")
    return content.getvalue()
