"""The load of the trials: people who work side by side, and stop together when somebody wants to look."""

import asyncio
import secrets
import sys
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from random import Random
from typing import Protocol, Self

from platform_history import Broken, Earner, Person, Reader, Staff, Traffic, expected

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "e2e"))
from running_platform import ADMIN, REVIEWER, mail_token

PASSWORD = "a long enough password"  # noqa: S105 - of nobody
POINTS = 10
ORDER_SECONDS = 2.0


class Place(Protocol):
    """A platform: the address of its gateway, and the folder where the mails are."""

    @property
    def url(self) -> str: ...

    @property
    def var(self) -> Path: ...


class Crowd:
    """Earners, each with a task at a time, and the staff that decides on it at once. Who has done one step waits for
    ``pause`` seconds, those who would not wait by themselves too.
    """

    def __init__(self, place: Place, random: Random, people: int, apps: int, pause: float = 0) -> None:
        self.traffic = Traffic()
        self.earners: list[Earner] = []
        self._place = place
        self._pause = pause
        self._random = random
        self._people, self._apps = people, apps
        self._going = asyncio.Event()
        self._busy: dict[str, str] = {}
        self._quiet = asyncio.Condition()
        self._tasks: list[asyncio.Task[None]] = []
        self._persons: list[Person] = []

    async def __aenter__(self) -> Self:
        admin = await self._person(*ADMIN)
        staff = Staff([admin, await self._person(*REVIEWER)], admin)
        apps = await self._published_apps(admin)
        for _ in range(self._people):
            self.earners.append(Earner(await self._newcomer(), apps))
        self._reader = Reader(admin)
        await self._reader.first_look()
        works = [self._earn(earner, staff) for earner in self.earners]
        others = [self._adjust(staff), self._read(self._reader), self._order(self._reader)]
        self._tasks = [asyncio.create_task(work) for work in [*works, *others]]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for person in self._persons:
            await person.close()

    def go_on(self) -> None:
        """Everybody works."""
        self._going.set()

    @property
    def can_go_on(self) -> bool:
        """Whether everybody still has something to do, and nobody waits for an answer in vain."""
        return not self._busy and all(earner.has_more for earner in self.earners)

    async def pause(self, within: float) -> None:
        """Returns when everybody has an answer to all they have asked. Raises TimeoutError when that takes too long."""
        self._going.clear()
        async with asyncio.timeout(within), self._quiet:
            await self._quiet.wait_for(lambda: not self._busy)
        for task in self._tasks:
            if task.done():
                task.result()

    async def finish_the_list(self) -> None:
        """Order the list a last time, and wait for it."""
        await self._reader.first_look()

    def waiting(self) -> list[str]:
        """Who has no answer yet, and what they are at."""
        return [f"{who}: {what}" for who, what in self._busy.items()]

    def seen(self) -> Counter[str]:
        """How often each answer came, and how much was done, as people were told."""
        states = (state for earner in self.earners for state in earner.states.values())
        return self.traffic.answers + Counter(f"tasks {state}" for state in states)

    async def _earn(self, earner: Earner, staff: Staff) -> None:
        while earner.has_more:
            await self._step(earner.person.id, "a task", self._task(earner, staff))

    async def _task(self, earner: Earner, staff: Staff) -> None:
        task_id = await earner.submit()
        if task_id is not None:
            await staff.decide(earner, task_id, POINTS)

    async def _adjust(self, staff: Staff) -> None:
        while True:
            earner = self._random.choice(self.earners)
            await self._step("the administrator", "an adjustment", staff.adjust(earner))
            await asyncio.sleep(0.2)

    async def _read(self, reader: Reader) -> None:
        while True:
            await self._step("a reader", "looking", reader.look())
            await asyncio.sleep(0.1)

    async def _order(self, reader: Reader) -> None:
        while True:
            await self._step("another administrator", "an order", reader.order())
            await asyncio.sleep(ORDER_SECONDS)

    async def _step(self, who: str, what: str, work: Coroutine[None, None, None]) -> None:
        try:
            await self._going.wait()
        except asyncio.CancelledError:
            work.close()
            raise
        self._busy[who] = what
        try:
            await work
        except Broken as answer:
            self.traffic.faults.append(str(answer))
        finally:
            del self._busy[who]
            async with self._quiet:
                self._quiet.notify_all()
        await asyncio.sleep(self._pause)

    async def _person(self, address: str, password: str) -> Person:
        person = Person(self._place.url, address, password, self.traffic, Random(self._random.random()))  # noqa: S311
        self._persons.append(person)
        return await person.sign_in()

    async def _newcomer(self) -> Person:
        address = f"{secrets.token_hex(6)}@example.org"
        person = Person(self._place.url, address, PASSWORD, self.traffic, Random(self._random.random()))  # noqa: S311
        self._persons.append(person)
        await person.register(lambda: mail_token(self._place.var, address))
        return await person.sign_in()

    async def _published_apps(self, admin: Person) -> list[str]:
        return [await self._published_app(admin, number) for number in range(self._apps)]

    async def _published_app(self, admin: Person, number: int) -> str:
        name = f"org.example.fault{secrets.token_hex(6)}"
        body = {"package_name": name, "name": f"App {number}", "points": POINTS}
        app = expected(await admin.send("/api/v1/apps", json=body), 201)
        await admin.send(f"/api/v1/apps/{app['id']}/publish")
        return str(app["id"])
