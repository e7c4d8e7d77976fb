"""A request sent again: the same answer, and no second effect."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from rewards_service.clients.catalog import FakeCatalog
from rewards_service.errors import IdempotencyKeyInProgress
from rewards_service.services.idempotency import Answer, Call, Once, forget_old_answers

pytestmark = pytest.mark.integration


def _refused(answer: Any) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


def _assert_replayed(first: Any, again: Any) -> None:
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers.get("Location") == first.headers.get("Location")


async def test_a_repeated_start_gets_the_first_answer(person: Any, offered: Any, catalog: FakeCatalog) -> None:
    user, app = person(), offered()
    first = await user.start(app, key="k")
    catalog.down = True  # a replay needs nobody
    _assert_replayed(first, await user.start(app, key="k"))
    assert len((await user.get("/api/v1/tasks")).json()["items"]) == 1


async def test_a_repeated_proof_gets_the_first_answer(person: Any, offered: Any) -> None:
    user = person()
    task_id = (await user.start(offered())).json()["id"]
    first = await user.send_proof(task_id, key="k")
    _assert_replayed(first, await user.send_proof(task_id, key="k"))
    assert (await user.get(f"/api/v1/tasks/{task_id}")).json()["attempts_left"] == 2


async def test_a_repeated_approval_gets_the_first_answer_and_pays_nothing(person: Any, offered: Any) -> None:
    user, reviewer = person(), person("reviewer")
    task_id = await user.submitted_task(offered(points=250))
    first = await reviewer.decide(task_id, key="k", decision="approve")
    _assert_replayed(first, await reviewer.decide(task_id, key="k", decision="approve"))
    assert (await user.points())["balance"] == 250


async def test_the_key_of_another_request_is_refused(person: Any, offered: Any, picture: Callable[..., bytes]) -> None:
    user, reviewer = person(), person("reviewer")
    await user.start(offered(), key="k")
    assert _refused(await user.start(offered(), key="k")) == (422, "idempotency-key-reused")
    task_id = (await user.start(offered())).json()["id"]
    await user.send_proof(task_id, key="k")
    other_file = picture(colour=(0, 0, 0))
    assert _refused(await user.send_proof(task_id, other_file, key="k")) == (422, "idempotency-key-reused")
    await reviewer.decide(task_id, key="k", decision="reject", reason_code="edited")
    assert _refused(await reviewer.decide(task_id, key="k", decision="approve")) == (422, "idempotency-key-reused")
    other_task = await person().submitted_task(offered())
    again = await reviewer.decide(other_task, key="k", decision="reject", reason_code="edited")
    assert _refused(again) == (422, "idempotency-key-reused")


async def test_the_same_body_written_otherwise_is_the_same_request(person: Any, offered: Any) -> None:
    reviewer = person("reviewer")
    task_id = await person().submitted_task(offered())
    first = await reviewer.decide(task_id, key="k", decision="reject", reason_code="edited")
    again = await reviewer.decide(task_id, key="k", reason_code="edited", decision="reject", note=None)
    _assert_replayed(first, again)


async def test_a_key_belongs_to_one_person_and_one_route(person: Any, offered: Any) -> None:
    app, reviewer = offered(), person("reviewer")
    users = [person(), person()]
    tasks = [(await user.start(app, key="k")).json()["id"] for user in users]
    assert len(set(tasks)) == 2
    sent = [(await user.send_proof(task_id, key="k")).status_code for user, task_id in zip(users, tasks, strict=True)]
    assert sent == [201, 201]
    assert (await reviewer.decide(tasks[0], key="k", decision="approve")).status_code == 200


async def test_a_failed_request_may_be_tried_again_with_the_key(
    person: Any, offered: Any, catalog: FakeCatalog
) -> None:
    user, app = person(), offered(status="archived")
    assert (await user.start(app, key="k")).status_code == 410
    catalog.apps[app.id] = app.model_copy(update={"status": "published"})
    answer = await user.start(app, key="k")
    assert (answer.status_code, "Idempotency-Replayed" in answer.headers) == (201, False)


async def test_an_answer_is_kept_for_seven_days(person: Any, offered: Any, sql: asyncpg.Connection) -> None:
    user, app = person(), offered()
    first = await user.start(app, key="k")
    await sql.execute("UPDATE idempotency_key SET created_at = now() - interval '6 days 23 hours'")
    _assert_replayed(first, await user.start(app, key="k"))
    await sql.execute("UPDATE idempotency_key SET created_at = now() - interval '7 days 1 second'")
    assert _refused(await user.start(app, key="k")) == (409, "task-exists")
    other = await user.start(offered(), key="k")
    assert other.status_code == 201
    assert "Idempotency-Replayed" not in other.headers


async def test_while_the_first_runs_the_second_is_told_so(
    person: Any, offered: Any, sql: asyncpg.Connection, until_waiting: Any
) -> None:
    reviewer = person("reviewer")
    task_id = await person().submitted_task(offered())
    holding = sql.transaction()
    await holding.start()
    await sql.execute("SELECT FROM task WHERE id = $1 FOR UPDATE", task_id)
    first = asyncio.create_task(reviewer.decide(task_id, key="k", decision="approve"))
    await until_waiting(1)
    assert _refused(await reviewer.decide(task_id, key="k", decision="approve")) == (409, "idempotency-key-in-progress")
    await holding.rollback()
    answer = await first
    assert answer.status_code == 200
    _assert_replayed(answer, await reviewer.decide(task_id, key="k", decision="approve"))


async def test_a_request_that_runs_holds_up_nothing_but_itself(app: FastAPI) -> None:
    once, call = Once(app.state.database), Call(uuid4(), "/route", "k", "fingerprint")

    async def done(_session: AsyncSession) -> Answer:
        return Answer(200, "{}", None)

    async def meanwhile(_session: AsyncSession) -> Answer:
        for other in (replace(call, user_id=uuid4()), replace(call, route="/other"), replace(call, key="other")):
            assert (await once.run(other, done)).replayed is False
        with pytest.raises(IdempotencyKeyInProgress):
            await once.run(call, done)
        return Answer(200, "{}", None)

    assert (await once.run(call, meanwhile)).replayed is False


async def test_fifty_with_one_key_at_once_have_one_effect(person: Any, offered: Any) -> None:
    user, app = person(), offered()
    answers = await asyncio.gather(*(user.start(app, key="k") for _ in range(50)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    made = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.content for answer in made}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in made) == 1
    refusals = {answer.json()["code"] for answer in answers if answer.status_code == 409}
    assert refusals <= {"idempotency-key-in-progress"}


@pytest.mark.parametrize("path", ["/api/v1/tasks", "/api/v1/tasks/{id}/proofs", "/api/v1/reviews/{id}/decision"])
async def test_a_key_is_required_and_must_be_plain(person: Any, offered: Any, path: str) -> None:
    caller = person("user", "reviewer")
    path = path.format(id=(await caller.start(offered())).json()["id"])
    body = {"app_id": str(offered().id)} if path.endswith("tasks") else {"decision": "approve"}
    assert _refused(await caller.client.post(path, json=body)) == (400, "idempotency-key-missing")
    for key in ("", " "):
        answer = await caller.client.post(path, json=body, headers={"Idempotency-Key": key})
        assert answer.status_code in {400, 422}
    for key in ("two words", "x" * 256, "\x7f", "ä".encode("latin-1")):
        answer = await caller.client.post(path, json=body, headers={"Idempotency-Key": key})
        assert _refused(answer) == (422, "validation-error")
        assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/header/Idempotency-Key"]


async def test_the_longest_key_is_taken(person: Any, offered: Any) -> None:
    assert (await person().start(offered(), key="~" * 255)).status_code == 201


async def test_answers_are_forgotten_after_seven_days_and_not_before(
    person: Any, offered: Any, app: FastAPI, sql: asyncpg.Connection
) -> None:
    user, old, young = person(), offered(), offered()
    for offer in (old, young):
        await user.start(offer, key=str(offer.id))
    age = "UPDATE idempotency_key SET created_at = now() - $1::interval WHERE key = $2"
    await sql.execute(age, timedelta(days=7), str(old.id))
    await sql.execute(age, timedelta(days=7, seconds=-30), str(young.id))
    assert await forget_old_answers(app.state.database) == 1
    assert await forget_old_answers(app.state.database) == 0
    assert await sql.fetchval("SELECT key FROM idempotency_key") == str(young.id)


@asynccontextmanager
async def _two_at_once_at_most(sql: asyncpg.Connection) -> AsyncIterator[None]:
    """Whoever deletes more with one statement gets an error."""
    await sql.execute("""
        CREATE FUNCTION count_gone() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN IF (SELECT count(*) FROM gone) > 2 THEN RAISE 'too many at once'; END IF; RETURN NULL; END $$
    """)
    await sql.execute("""
        CREATE TRIGGER count_gone AFTER DELETE ON idempotency_key REFERENCING OLD TABLE AS gone
        FOR EACH STATEMENT EXECUTE FUNCTION count_gone()
    """)
    try:
        yield
    finally:
        await sql.execute("DROP FUNCTION count_gone CASCADE")


async def test_many_old_answers_are_forgotten_a_batch_at_a_time(
    person: Any, offered: Any, app: FastAPI, sql: asyncpg.Connection
) -> None:
    user = person()
    for number in range(5):
        await user.start(offered(), key=str(number))
    await sql.execute("UPDATE idempotency_key SET created_at = now() - interval '8 days'")
    async with _two_at_once_at_most(sql):
        assert await forget_old_answers(app.state.database, at_once=2) == 5
