"""The whole service against a model in plain Python: the same answers and the same balances, whatever the steps.

``MODEL_EXAMPLES=1500`` takes about 50,000 steps.
"""

import os
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rewards_service.services.chain import seal
from rewards_service.services.ledger import verify
from servicekit import testing

pytestmark = pytest.mark.integration

PEOPLE, APPS, ATTEMPTS = 2, 2, 3  # few, so that a plan takes each task far
WITH_A_TASK = ("cancel", "prove", "approve", "reject")
who = st.integers(0, PEOPLE - 1)
which = st.integers(0, APPS - 1)
steps = st.one_of(
    st.tuples(st.just("start"), st.tuples(who, which)),
    *(st.tuples(st.just(name), st.integers(0, 15)) for name in WITH_A_TASK),  # one of those that there are
    st.tuples(st.just("adjust"), who, st.integers(-300, 300).filter(bool)),
    st.tuples(st.just("reverse"), st.integers(0, 15)),
    st.tuples(st.just("repeat"), st.integers(0, 15)),
    st.tuples(st.just("seal")),
)


@dataclass
class Task:
    status: str = "started"
    attempts: int = 0


@dataclass
class Model:
    """What the service should do."""

    points: tuple[int, ...]
    tasks: dict[tuple[int, int], Task] = field(default_factory=dict)
    balances: list[int] = field(default_factory=lambda: [0] * PEOPLE)
    # Each transaction: whose, how much, of which task, and whether it is reversed or a reversal.
    booked: list[tuple[int, int, tuple[int, int] | None, str]] = field(default_factory=list)

    def start(self, key: tuple[int, int]) -> int:
        if key in self.tasks and self.tasks[key].status != "cancelled":
            return 409
        self.tasks[key] = Task()
        return 201

    def cancel(self, key: tuple[int, int]) -> int:
        if self.tasks[key].status != "started":
            return 409
        self.tasks[key].status = "cancelled"
        return 200

    def prove(self, key: tuple[int, int]) -> int:
        task = self.tasks[key]
        if task.status not in {"started", "rejected"} or task.attempts == ATTEMPTS:
            return 409
        task.status, task.attempts = "submitted", task.attempts + 1
        return 201

    def decide(self, key: tuple[int, int], status: str) -> int:
        if self.tasks[key].status != "submitted":
            return 409
        self.tasks[key].status = status
        if status == "approved":
            self._book(key[0], self.points[key[1]], key, "booked")
        return 200

    def adjust(self, person: int, points: int) -> int:
        if self.balances[person] + points < 0 and points < 0:
            return 422
        self._book(person, points, None, "booked")
        return 201

    def reverse(self, number: int) -> int:
        person, points, task, state = self.booked[number]
        if state != "booked":
            return 409
        self.booked[number] = (person, points, task, "reversed")
        if task is not None:
            self.tasks[task].status = "reversed"
        self._book(person, -points, None, "reversal")
        return 201

    def _book(self, person: int, points: int, task: tuple[int, int] | None, state: str) -> None:
        self.balances[person] += points
        self.booked.append((person, points, task, state))


class Service:
    """The real one, driven by the same steps; remembers what it was asked and what it answered."""

    def __init__(self, app: FastAPI, person: Any, apps: list[Any]) -> None:
        self.app, self.apps = app, apps
        self.people = [person() for _ in range(PEOPLE)]
        self.reviewer, self.admin = person("reviewer"), person("admin")
        self.task_ids: dict[tuple[int, int], str] = {}
        self.transaction_ids: list[str] = []
        self.asked: list[tuple[Any, str, dict[str, Any], Any]] = []

    async def post(self, by: Any, path: str, **options: Any) -> Any:
        key = str(uuid4())
        answer = await by.post(path, key=key, **options)
        if answer.is_success and "files" not in options:
            self.asked.append((by, path, {"key": key, **options}, answer))
        return answer

    async def start(self, key: tuple[int, int]) -> int:
        answer = await self.post(self.people[key[0]], "/api/v1/tasks", json={"app_id": str(self.apps[key[1]].id)})
        if answer.status_code == 201:
            self.task_ids[key] = answer.json()["id"]
        return int(answer.status_code)

    async def cancel(self, key: tuple[int, int]) -> int:
        answer = await self.people[key[0]].post(f"/api/v1/tasks/{self.task_ids[key]}/cancel")
        return int(answer.status_code)

    async def prove(self, key: tuple[int, int]) -> int:
        return int((await self.people[key[0]].send_proof(self.task_ids[key])).status_code)

    async def decide(self, key: tuple[int, int], **decision: str) -> int:
        answer = await self.post(self.reviewer, f"/api/v1/reviews/{self.task_ids[key]}/decision", json=decision)
        if answer.is_success and answer.json()["transaction_id"]:
            self.transaction_ids.append(answer.json()["transaction_id"])
        return int(answer.status_code)

    async def adjust(self, person: int, points: int) -> int:
        body = {"user_id": str(self.people[person].id), "points": points, "reason": "x"}
        return self._booked(await self.post(self.admin, "/api/v1/points/adjustments", json=body))

    async def reverse(self, number: int) -> int:
        path = f"/api/v1/points/transactions/{self.transaction_ids[number]}/reverse"
        return self._booked(await self.post(self.admin, path, json={"reason": "x"}))

    def _booked(self, answer: Any) -> int:
        if answer.status_code == 201:
            self.transaction_ids.append(answer.json()["id"])
        return int(answer.status_code)

    async def repeat(self, number: int) -> None:
        by, path, options, first = self.asked[number]
        again = await by.post(path, **options)
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again.headers["Idempotency-Replayed"] == "true"

    async def balances(self) -> list[int]:
        return [(await user.points())["balance"] for user in self.people]


def _with_its_task(model: Model, step: tuple[Any, ...]) -> tuple[Any, ...]:
    """The step, with one of the tasks that there are in the place of its number."""
    if step[0] not in WITH_A_TASK:
        return step
    tasks = list(model.tasks)
    return (step[0], tasks[step[1] % len(tasks)]) if tasks else ("seal",)


async def _both(model: Model, service: Service, step: tuple[Any, ...]) -> tuple[int, int]:
    match step:
        case ("start", key):
            return model.start(key), await service.start(key)
        case ("cancel", key):
            return model.cancel(key), await service.cancel(key)
        case ("prove", key):
            return model.prove(key), await service.prove(key)
        case ("approve", key):
            return model.decide(key, "approved"), await service.decide(key, decision="approve")
        case ("reject", key):
            decision = {"decision": "reject", "reason_code": "edited"}
            return model.decide(key, "rejected"), await service.decide(key, **decision)
        case ("adjust", person, points):
            return model.adjust(person, points), await service.adjust(person, points)
        case ("reverse", number) if number < len(model.booked):
            return model.reverse(number), await service.reverse(number)
        case ("repeat", number) if number < len(service.asked):
            await service.repeat(number)
        case ("seal",):
            await seal(service.app.state.database)
    return 0, 0


@settings(
    max_examples=int(os.environ.get("MODEL_EXAMPLES", "15")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(plan=st.lists(steps, min_size=40, max_size=80))
async def test_the_service_does_what_the_model_does(
    app: FastAPI, database_url: str, person: Any, offered: Any, plan: list[tuple[Any, ...]]
) -> None:
    await testing.empty_tables(database_url)
    apps = [offered(points=points) for points in (7, 1000)]
    model, service = Model(tuple(offer.points for offer in apps)), Service(app, person, apps)
    for drawn in plan:
        step = _with_its_task(model, drawn)
        expected, got = await _both(model, service, step)
        assert got == expected, step
    assert await service.balances() == model.balances
    for key, task in model.tasks.items():
        shown = (await service.people[key[0]].get(f"/api/v1/tasks/{service.task_ids[key]}")).json()
        assert (shown["status"], shown["attempts_left"]) == (task.status, ATTEMPTS - task.attempts)
    result = await verify(app.state.database)
    assert result.ok
    assert result.transactions == len(model.booked)
