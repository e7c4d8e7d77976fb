"""The stream of events: who may have one, what keeps it alive, and when it ends."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import jwt
import pytest
from fastapi import FastAPI

from rewards_service.services.listeners import MOST_OF_A_PERSON
from servicekit.tokens import Principal

pytestmark = pytest.mark.integration
PATIENCE = 60.0


async def test_streams_are_for_those_who_signed_in(person: Any) -> None:
    answer = await person().get("/api/v1/events", headers={"Authorization": "Bearer nonsense"})
    assert answer.status_code == 401


async def test_a_person_has_five_streams_and_a_process_so_many(
    app: FastAPI, person: Any, listen: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.state.events._listeners, "_most", 2 * MOST_OF_A_PERSON)
    first, second, third = person(), person(), person()
    streams = [await listen(first).__aenter__() for _ in range(MOST_OF_A_PERSON)]
    refused = await first.get("/api/v1/events")
    assert (refused.status_code, refused.json()["code"]) == (429, "too-many-streams")
    assert refused.headers["Retry-After"] == "5"
    streams += [await listen(second).__aenter__() for _ in range(MOST_OF_A_PERSON)]
    refused = await third.get("/api/v1/events")
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    for stream in streams:
        await stream.__aexit__()
    async with listen(third) as stream:
        assert stream.status == 200


async def test_open_streams_hold_no_connection_to_the_database(app: FastAPI, person: Any, listen: Any) -> None:
    user = person()
    async with listen(user) as one, listen(user) as other:
        await one.frame()
        await other.frame()
        async with asyncio.timeout(PATIENCE):
            while app.state.database.engine.pool.checkedout():
                await app.state.database.ping()


async def test_a_sign_out_ends_the_stream(app: FastAPI, person: Any, listen: Any) -> None:
    user = person()
    token = user.client.headers["Authorization"].removeprefix("Bearer ")
    session_id = UUID(jwt.decode(token, options={"verify_signature": False})["sid"])
    async with listen(user) as stream:
        await stream.frame()
        app.state.revocations.add(session_id, datetime.now(UTC) + timedelta(minutes=10))
        assert await stream.ended()


async def test_the_stream_ends_with_the_token(app: FastAPI) -> None:
    soon = Principal(uuid4(), uuid4(), frozenset({"user"}), email_verified=True, expires_at=time.time() + 0.1)
    with app.state.events.stream(soon, None) as frames:
        assert [frame async for frame in frames] == [b"retry: 3000\nid: 0\n\n"]


async def test_who_takes_nothing_is_cut(person: Any, listen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rewards_service.routers.events.SLOW_SECONDS", 0.05)
    async with listen(person(), takes_nothing=True) as stream:
        async with asyncio.timeout(PATIENCE):
            await stream.call
        assert stream.is_quiet()


async def test_head_has_no_stream(person: Any, listen: Any) -> None:
    async with listen(person(), method="HEAD") as stream:
        assert await stream.text() == ""
    assert (stream.status, stream.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")


@pytest.fixture
def quick_heart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rewards_service.services.events.CHECK_SECONDS", 0.02)
    monkeypatch.setattr("rewards_service.services.events.HEARTBEAT_SECONDS", 0.05)


@pytest.mark.usefixtures("quick_heart")
async def test_a_quiet_stream_shows_that_it_lives(person: Any, listen: Any) -> None:
    async with listen(person()) as stream:
        await stream.frame()
        assert await stream.text() == ": still here\n\n"
        assert await stream.text() == ": still here\n\n"


@pytest.mark.usefixtures("quick_heart")
async def test_an_event_whose_notification_is_lost_comes_with_the_heartbeat(
    person: Any, listen: Any, sql: asyncpg.Connection, made_task: Any
) -> None:
    user = person()
    await made_task(user.id)
    async with listen(user) as stream:
        await stream.frame()
        await sql.execute(
            "INSERT INTO event (user_id, kind, data) SELECT user_id, kind, data FROM event WHERE user_id = $1", user.id
        )
        while (text := await stream.text()).startswith(":"):
            pass
        assert "event: task.updated" in text


async def test_events_come_again_after_the_connection_for_notifications_was_lost(
    person: Any, listen: Any, sql: asyncpg.Connection, made_task: Any
) -> None:
    user = person()

    async def listening() -> list[int]:
        rows = await sql.fetch(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'Rewards notifications' "
            "AND datname = current_database() AND query ILIKE 'LISTEN%'"
        )
        return [row["pid"] for row in rows]

    async with asyncio.timeout(PATIENCE):
        while not (before := await listening()):
            pass
    async with listen(user) as stream:
        await stream.frame()
        await sql.execute("SELECT pg_terminate_backend($1)", before[0])
        missed = await made_task(user.id)
        assert (await stream.event())[2]["id"] == str(missed)
        async with asyncio.timeout(PATIENCE):
            while await listening() in ([], before):
                pass
        heard = await made_task(user.id)
        assert (await stream.event())[2]["id"] == str(heard)


async def test_a_database_that_is_away_ends_streams_and_refuses_new_ones(
    app: FastAPI, person: Any, listen: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_args: object, **_options: object) -> None:
        raise ConnectionRefusedError

    user = person()
    async with listen(user) as stream:
        await stream.frame()
        monkeypatch.setattr(app.state.database, "transaction", refused)
        answer = await user.get("/api/v1/events")
        assert (answer.status_code, answer.json()["code"]) == (503, "store-unavailable")
        app.state.events._listeners.wake_all()
        assert await stream.ended()
