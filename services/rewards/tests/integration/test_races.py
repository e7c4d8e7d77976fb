"""Fifty at once: one effect, whatever the order. ``RACES=200`` runs each that many times."""

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Iterable
from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI

from rewards_service.services.ledger import verify

pytestmark = [
    pytest.mark.integration,
    pytest.mark.parametrize("repetition", range(int(os.environ.get("RACES", "1")))),
]

AT_ONCE = 50


@pytest.fixture(autouse=True)
def repeated(repetition: int) -> int:
    """Each test runs once for each repetition."""
    return repetition


async def _together(calls: Iterable[Awaitable[Any]]) -> Counter[int]:
    return Counter(answer.status_code for answer in await asyncio.gather(*calls))


async def _transactions(app: FastAPI) -> int:
    """How many the ledger holds, and that it holds what it promises."""
    found = await verify(app.state.database)
    assert found.ok
    return found.transactions


async def test_one_of_fifty_starts(person: Any, offered: Any, app: FastAPI) -> None:
    user, offer = person(), offered()
    assert await _together(user.start(offer) for _ in range(AT_ONCE)) == {201: 1, 409: AT_ONCE - 1}
    assert len((await user.get("/api/v1/tasks")).json()["items"]) == 1


async def test_the_last_place_goes_to_one_of_fifty(person: Any, offered: Any, app: FastAPI) -> None:
    offer = offered(max_completions=1)
    assert await _together(person().start(offer) for _ in range(AT_ONCE)) == {201: 1, 410: AT_ONCE - 1}


async def test_one_of_fifty_uploads_is_the_proof(person: Any, offered: Any, sql: asyncpg.Connection) -> None:
    user = person()
    task_id = (await user.start(offered())).json()["id"]
    answers = await _together(user.send_proof(task_id) for _ in range(AT_ONCE))
    assert answers[201] == 1
    assert set(answers) <= {201, 409, 503}  # 503: too many pictures at once
    assert await sql.fetchval("SELECT count(*) FROM proof") == 1


async def test_one_of_fifty_approvals_by_one_reviewer_pays(person: Any, offered: Any, app: FastAPI) -> None:
    user, reviewer = person(), person("reviewer")
    task_id = await user.submitted_task(offered(points=250))
    answers = await _together(reviewer.decide(task_id, decision="approve") for _ in range(AT_ONCE))
    assert answers == {200: 1, 409: AT_ONCE - 1}
    assert (await user.points())["balance"] == 250
    assert await _transactions(app) == 1


async def test_one_of_fifty_decisions_by_two_reviewers_counts(person: Any, offered: Any, app: FastAPI) -> None:
    user, kind, strict = person(), person("reviewer"), person("reviewer")
    task_id = await user.submitted_task(offered(points=250))
    decisions = [
        kind.decide(task_id, decision="approve")
        if number % 2
        else strict.decide(task_id, decision="reject", reason_code="edited")
        for number in range(AT_ONCE)
    ]
    assert await _together(decisions) == {200: 1, 409: AT_ONCE - 1}
    status = (await user.get(f"/api/v1/tasks/{task_id}")).json()["status"]
    paid = {"approved": 1, "rejected": 0}[status]
    assert (await user.points())["balance"] == 250 * paid
    assert await _transactions(app) == paid


async def test_one_of_fifty_reversals_takes_the_points_back(person: Any, offered: Any, app: FastAPI) -> None:
    user, reviewer, admin = person(), person("reviewer"), person("admin")
    decided = await reviewer.decide(await user.submitted_task(offered(points=250)), decision="approve")
    path = f"/api/v1/points/transactions/{decided.json()['transaction_id']}/reverse"
    answers = await _together(admin.post(path, json={"reason": "x"}) for _ in range(AT_ONCE))
    assert answers == {201: 1, 409: AT_ONCE - 1}
    assert (await user.points())["balance"] == 0
    assert await _transactions(app) == 2


async def test_with_one_key_fifty_requests_are_one(person: Any, offered: Any, app: FastAPI) -> None:
    user, reviewer = person(), person("reviewer")
    task_id = await user.submitted_task(offered(points=250))
    answers = await asyncio.gather(*(reviewer.decide(task_id, key="k", decision="approve") for _ in range(AT_ONCE)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"idempotency-key-in-progress"}
    assert len({answer.content for answer in answers if answer.status_code == 200}) == 1
    assert (await user.points())["balance"] == 250
    assert await _transactions(app) == 1
