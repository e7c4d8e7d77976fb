"""Several decisions in one request: each by itself, and none twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

pytestmark = pytest.mark.integration

PATH = "/api/v1/reviews/decisions"


def _approve(task_id: str) -> dict[str, Any]:
    return {"task_id": task_id, "decision": "approve"}


def _refused(answer: Any) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


async def test_each_decision_has_its_own_result_in_the_order_asked(person: Any, offered: Any) -> None:
    user, both, other = person(), person("user", "reviewer"), person("reviewer")
    good, bad = await user.submitted_task(offered(points=5)), await user.submitted_task(offered(points=7))
    own, held = await both.submitted_task(offered()), await user.submitted_task(offered(points=9))
    await other.post(f"/api/v1/reviews/{held}/lease")
    nowhere = str(uuid4())
    items = [
        _approve(good),
        {"task_id": bad, "decision": "reject", "reason_code": "edited"},
        _approve(own),
        _approve(held),
        _approve(nowhere),
        _approve(good),
    ]
    answer = await both.post(PATH, json={"items": items})
    assert answer.status_code == 200
    results = answer.json()["items"]
    assert [(result["task_id"], result["status"], result["code"]) for result in results] == [
        (good, 200, None),
        (bad, 200, None),
        (own, 403, "own-task"),
        (held, 423, "leased"),
        (nowhere, 404, "task-not-found"),
        (good, 409, "already-decided"),
    ]
    assert (results[0]["task"]["status"], results[1]["task"]["status"]) == ("approved", "rejected")
    assert results[0]["transaction_id"] is not None
    alone = [
        (await both.post(f"/api/v1/reviews/{one}/decision", json={"decision": "approve"})).json()
        for one in (own, held, nowhere, good)
    ]
    assert [result["detail"] for result in results] == [None, None, *(refused["detail"] for refused in alone)]
    assert (await user.points())["balance"] == 5


async def test_a_repetition_gets_the_first_answer(person: Any, offered: Any) -> None:
    user, reviewer = person(), person("reviewer")
    items = [_approve(await user.submitted_task(offered(points=5))) for _ in range(3)]
    first = await reviewer.post(PATH, key="k", json={"items": items})
    again = await reviewer.post(PATH, key="k", json={"items": items})
    assert (again.content, again.headers["Idempotency-Replayed"]) == (first.content, "true")
    assert _refused(await reviewer.post(PATH, key="k", json={"items": items[:2]})) == (422, "idempotency-key-reused")
    assert (await user.points())["balance"] == 15


async def test_a_repetition_does_not_decide_what_was_refused_the_first_time(
    person: Any, offered: Any, sql: asyncpg.Connection
) -> None:
    user, reviewer, holder = person(), person("reviewer"), person("reviewer")
    task_id = await user.submitted_task(offered(points=5))
    await holder.post(f"/api/v1/reviews/{task_id}/lease")
    first = await reviewer.post(PATH, key="k", json={"items": [_approve(task_id)]})
    assert first.json()["items"][0]["code"] == "leased"
    await sql.execute("UPDATE task SET leased_until = now()")
    again = await reviewer.post(PATH, key="k", json={"items": [_approve(task_id)]})
    assert again.content == first.content
    assert (await user.points())["balance"] == 0


@asynccontextmanager
async def _failing(sql: asyncpg.Connection, task_id: str) -> AsyncIterator[None]:
    """Whoever changes this task gets an error that nobody expects."""
    await sql.execute("""
        CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE 'broken' USING ERRCODE = 'XX000'; END $$
    """)
    await sql.execute(f"""
        CREATE TRIGGER fail BEFORE UPDATE ON task FOR EACH ROW WHEN (NEW.id = '{task_id}') EXECUTE FUNCTION fail()
    """)
    yield
    await sql.execute("DROP FUNCTION fail CASCADE")


async def test_after_a_crash_in_the_middle_the_rest_is_done_and_nothing_twice(
    person: Any, offered: Any, sql: asyncpg.Connection
) -> None:
    user, reviewer = person(), person("reviewer")
    items = [_approve(await user.submitted_task(offered(points=5))) for _ in range(4)]
    async with _failing(sql, items[2]["task_id"]):
        assert (await reviewer.post(PATH, key="k", json={"items": items})).status_code == 500
    assert (await user.points())["balance"] == 10
    other = [*items[:3], _approve(str(uuid4()))]
    assert _refused(await reviewer.post(PATH, key="k", json={"items": other})) == (422, "idempotency-key-reused")
    answer = await reviewer.post(PATH, key="k", json={"items": items})
    assert [result["status"] for result in answer.json()["items"]] == [200] * 4
    assert (await user.points())["balance"] == 20


async def test_twenty_of_the_same_at_once_pay_once(person: Any, offered: Any) -> None:
    user, reviewer = person(), person("reviewer")
    items = [_approve(await user.submitted_task(offered(points=5))) for _ in range(3)]
    answers = await asyncio.gather(*(reviewer.post(PATH, key="k", json={"items": items}) for _ in range(20)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert (await user.points())["balance"] == 15
    last = await reviewer.post(PATH, key="k", json={"items": items})
    assert [result["status"] for result in last.json()["items"]] == [200] * 3


@pytest.mark.parametrize(
    ("items", "pointer"),
    [
        ([], "/items"),
        ([{"decision": "approve"}], "/items/0/task_id"),
        ([{"task_id": str(uuid4()), "decision": "reject"}], "/items/0/reason_code"),
        ([{"task_id": str(uuid4()), "decision": "reject", "reason_code": "other"}], "/items/0/note"),
        ([{"task_id": str(uuid4()), "decision": "approve"}] * 101, "/items"),
    ],
)
async def test_a_wrong_request_decides_nothing(person: Any, items: list[dict[str, Any]], pointer: str) -> None:
    answer = await person("reviewer").post(PATH, json={"items": items})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_it_needs_a_key_and_a_reviewer(person: Any) -> None:
    body = {"items": [_approve(str(uuid4()))]}
    assert _refused(await person("reviewer").client.post(PATH, json=body)) == (400, "idempotency-key-missing")
    assert _refused(await person("admin").post(PATH, json=body)) == (403, "forbidden")
