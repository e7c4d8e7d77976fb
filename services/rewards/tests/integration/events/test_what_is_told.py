"""The stream of events: what it tells, and from where it goes on."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from rewards_service.models import Task

pytestmark = pytest.mark.integration


async def test_the_first_frame_comes_at_once(person: Any, listen: Any) -> None:
    async with listen(person()) as stream:
        assert await stream.text() == "retry: 3000\nid: 0\n\n"
    assert stream.status == 200
    assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert stream.headers["cache-control"] == "private, no-store"
    assert "content-length" not in stream.headers


async def test_what_happens_is_told_as_the_contract_shows_it(person: Any, offered: Any, listen: Any) -> None:
    user, reviewer = person(), person("reviewer")
    async with listen(user) as stream:
        await stream.frame()
        task_id = await user.submitted_task(offered(points=250))
        statuses = [(await stream.event())[2]["status"] for _ in range(2)]
        approved = (await reviewer.decide(task_id, decision="approve")).json()["task"]
        events = [await stream.event() for _ in range(2)]
    assert statuses == ["started", "submitted"]
    told = {kind: data for _, kind, data in events}
    assert told == {"task.updated": approved, "points.updated": await user.points()}
    assert told["points.updated"] == {"balance": 250, "pending": 0, "lifetime_earned": 250}


async def test_nobody_hears_of_others(person: Any, offered: Any, listen: Any) -> None:
    user, other = person(), person()
    async with listen(other) as stream:
        await stream.frame()
        await user.submitted_task(offered())
        app = offered()
        await other.start(app)
        assert (await stream.event())[2]["app_id"] == str(app.id)
        assert stream.is_quiet()


async def test_what_was_rolled_back_is_not_told(
    person: Any, listen: Any, sql: asyncpg.Connection, made_task: Any
) -> None:
    user = person()
    async with listen(user) as stream:
        await stream.frame()
        undone = sql.transaction()
        await undone.start()
        await made_task(user.id)
        await undone.rollback()
        kept = await made_task(user.id)
        assert (await stream.event())[2]["id"] == str(kept)


async def test_a_stream_goes_on_after_any_event_without_loss_or_repetition(
    person: Any, listen: Any, made_task: Any
) -> None:
    user, other = person(), person()
    for _ in range(8):
        await made_task(user.id)
        await made_task(other.id)
    async with listen(user, after=0) as stream:
        await stream.frame()
        events = [await stream.event() for _ in range(8)]
    numbers = [number for number, *_ in events]
    assert numbers == sorted(set(numbers))
    for position, number in enumerate(numbers):
        async with listen(user, after=number) as stream:
            assert await stream.frame() == {"retry": "3000"}
            assert [await stream.event() for _ in range(7 - position)] == events[position + 1 :]
            await made_task(other.id)
            assert stream.is_quiet()


async def test_more_events_than_one_read_takes_all_come(person: Any, listen: Any, sql: asyncpg.Connection) -> None:
    user = person()
    await sql.execute(
        "INSERT INTO task (user_id, app_id, app_name, package_name, points, expires_at) "
        "SELECT $1, uuidv7(), 'App ' || number, 'org.example', 10, now() FROM generate_series(1, 250) AS number",
        user.id,
    )
    async with listen(user, after=0) as stream:
        await stream.frame()
        names = [(await stream.event())[2]["app_name"] for _ in range(250)]
    assert names == [f"App {number}" for number in range(1, 251)]


async def test_transactions_that_end_in_another_order_are_told_in_that_order(
    person: Any, listen: Any, made_task: Any, database_url: str
) -> None:
    """The reader has gone past the second when the first, which began earlier, commits."""
    user = person()
    first, second = await made_task(user.id), await made_task(user.id)
    slow, quick = await asyncpg.connect(database_url), await asyncpg.connect(database_url)
    async with listen(user) as stream:
        await stream.frame()
        change = "UPDATE task SET status = 'cancelled' WHERE id = $1"
        holding = slow.transaction()
        await holding.start()
        await slow.execute(change, first)
        await quick.execute(change, second)
        assert (await stream.event())[2]["id"] == str(second)
        await holding.commit()
        number, _, data = await stream.event()
        assert data["id"] == str(first)
    async with listen(user, after=number) as stream:
        await stream.frame()
        assert stream.is_quiet()
    await slow.close()
    await quick.close()


async def test_fifty_changes_at_once_are_all_told_in_the_order_of_their_numbers(
    person: Any, listen: Any, made_task: Any, database_url: str
) -> None:
    user = person()
    tasks = [await made_task(user.id) for _ in range(50)]
    pool = await asyncpg.create_pool(database_url, min_size=10, max_size=10)
    async with listen(user) as stream:
        await stream.frame()
        change = "UPDATE task SET status = 'cancelled' WHERE id = $1"
        await asyncio.gather(*(pool.execute(change, task) for task in tasks))
        events = [await stream.event() for _ in range(50)]
    await pool.close()
    assert sorted(data["id"] for *_, data in events) == sorted(map(str, tasks))
    assert [number for number, *_ in events] == sorted(number for number, *_ in events)


async def test_a_number_that_is_not_kept_any_more_starts_anew_and_says_so(
    person: Any, listen: Any, sql: asyncpg.Connection, made_task: Any
) -> None:
    user, other = person(), person()
    await made_task(user.id)
    await made_task(other.id)
    await made_task(user.id)
    oldest, foreign, newest = [row["id"] for row in await sql.fetch("SELECT id FROM event ORDER BY id")]
    await sql.execute("DELETE FROM event WHERE id = $1", oldest)
    for unknown in (oldest, foreign, 2**63 - 1):
        async with listen(user, after=unknown) as stream:
            assert await stream.frame() == {"retry": "3000", "id": str(newest), "event": "reset", "data": "{}"}


@pytest.mark.parametrize("number", ["x", "-1", "1.5", str(2**63), "1 OR 1=1"])
async def test_a_number_that_is_none_is_refused(person: Any, number: str) -> None:
    answer = await person().get("/api/v1/events", headers={"Last-Event-ID": number})
    assert (answer.status_code, answer.json()["code"]) == (422, "validation-error")


async def test_what_an_event_keeps_is_all_that_a_task_needs(sql: asyncpg.Connection, made_task: Any) -> None:
    await made_task(uuid4())
    assert set(json.loads(await sql.fetchval("SELECT data FROM event"))) == set(Task.model_fields)
