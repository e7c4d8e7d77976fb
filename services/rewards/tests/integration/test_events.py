"""The stream of events: what it tells, from where it goes on, and when it ends."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID, uuid4

import asyncpg
import jwt
import pytest
from fastapi import FastAPI

from rewards_service.models import Task
from rewards_service.services.listeners import MOST_OF_A_PERSON
from servicekit.tokens import Principal

pytestmark = pytest.mark.integration
PATIENCE = 60.0


class Stream:
    """An open stream, called in process: httpx's transport for that waits for the end of an answer."""

    def __init__(
        self, app: FastAPI, headers: dict[str, str], *, method: str = "GET", takes_nothing: bool = False
    ) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self._frames: asyncio.Queue[str | None] = asyncio.Queue()
        self._started, self._left, self._stuck = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._takes_nothing = takes_nothing
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": "/api/v1/events", "raw_path": b"/api/v1/events", "query_string": b"", "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "state": {},
        }  # fmt: skip
        self.call = asyncio.ensure_future(app(scope, self._receive, self._send))

    async def __aenter__(self) -> Self:
        async with asyncio.timeout(PATIENCE):
            await self._started.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._left.set()
        self._stuck.set()
        async with asyncio.timeout(PATIENCE):
            await self.call

    async def _receive(self) -> dict[str, Any]:
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            self._started.set()
            return
        if self._takes_nothing:
            await self._stuck.wait()
        self._frames.put_nowait(message.get("body", b"").decode())
        if not message.get("more_body", False):
            self._frames.put_nowait(None)

    async def frame(self) -> dict[str, str]:
        """The fields of the next frame."""
        text = await self.text()
        return dict(line.split(": ", 1) for line in text.strip().splitlines())

    async def text(self) -> str:
        """The next frame as it comes."""
        async with asyncio.timeout(PATIENCE):
            text = await self._frames.get()
        assert text is not None
        return text

    async def event(self) -> tuple[int, str, dict[str, Any]]:
        """Number, kind and data of the next event."""
        frame = await self.frame()
        return int(frame["id"]), frame["event"], json.loads(frame["data"])

    async def ended(self) -> bool:
        """Wait for the end."""
        async with asyncio.timeout(PATIENCE):
            while await self._frames.get():
                pass
        return True

    def is_quiet(self) -> bool:
        """Whether nothing has come since."""
        return self._frames.empty()


Opener = Callable[..., Stream]


@pytest.fixture
def listen(app: FastAPI) -> Opener:
    """Opens the stream of a person."""

    def opened(user: Any, after: int | None = None, **options: Any) -> Stream:
        headers = {"Authorization": user.client.headers["Authorization"]}
        return Stream(app, headers | ({} if after is None else {"Last-Event-ID": str(after)}), **options)

    return opened


@pytest.fixture
def made_task(sql: asyncpg.Connection) -> Callable[[UUID], Awaitable[UUID]]:
    """A started task of a person, without the catalogue: one event."""

    async def make(user_id: UUID) -> UUID:
        task_id: UUID = await sql.fetchval(
            "INSERT INTO task (user_id, app_id, app_name, package_name, points, expires_at) "
            "VALUES ($1, uuidv7(), 'App', 'org.example', 10, now() + interval '1 day') RETURNING id",
            user_id,
        )
        return task_id

    return make


@pytest.fixture(autouse=True)
async def _nobody_listens_on(app: FastAPI) -> AsyncIterator[None]:
    yield
    assert app.state.events._listeners._count == 0
    assert not app.state.events._listeners._of


async def test_the_first_frame_comes_at_once(person: Any, listen: Opener) -> None:
    async with listen(person()) as stream:
        assert await stream.text() == "retry: 3000\nid: 0\n\n"
    assert stream.status == 200
    assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert stream.headers["cache-control"] == "private, no-store"
    assert "content-length" not in stream.headers


async def test_what_happens_is_told_as_the_contract_shows_it(person: Any, offered: Any, listen: Opener) -> None:
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


async def test_nobody_hears_of_others(person: Any, offered: Any, listen: Opener) -> None:
    user, other = person(), person()
    async with listen(other) as stream:
        await stream.frame()
        await user.submitted_task(offered())
        app = offered()
        await other.start(app)
        assert (await stream.event())[2]["app_id"] == str(app.id)
        assert stream.is_quiet()


async def test_what_was_rolled_back_is_not_told(
    person: Any, listen: Opener, sql: asyncpg.Connection, made_task: Any
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
    person: Any, listen: Opener, made_task: Any
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


async def test_more_events_than_one_read_takes_all_come(person: Any, listen: Opener, sql: asyncpg.Connection) -> None:
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
    person: Any, listen: Opener, made_task: Any, database_url: str
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
    person: Any, listen: Opener, made_task: Any, database_url: str
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
    person: Any, listen: Opener, sql: asyncpg.Connection, made_task: Any
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


async def test_streams_are_for_those_who_signed_in(person: Any) -> None:
    answer = await person().get("/api/v1/events", headers={"Authorization": "Bearer nonsense"})
    assert answer.status_code == 401


async def test_a_person_has_five_streams_and_a_process_so_many(
    app: FastAPI, person: Any, listen: Opener, monkeypatch: pytest.MonkeyPatch
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


async def test_open_streams_hold_no_connection_to_the_database(app: FastAPI, person: Any, listen: Opener) -> None:
    user = person()
    async with listen(user) as one, listen(user) as other:
        await one.frame()
        await other.frame()
        async with asyncio.timeout(PATIENCE):
            while app.state.database.engine.pool.checkedout():
                await app.state.database.ping()


async def test_a_sign_out_ends_the_stream(app: FastAPI, person: Any, listen: Opener) -> None:
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


async def test_who_takes_nothing_is_cut(person: Any, listen: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rewards_service.routers.events.SLOW_SECONDS", 0.05)
    async with listen(person(), takes_nothing=True) as stream:
        async with asyncio.timeout(PATIENCE):
            await stream.call
        assert stream.is_quiet()


async def test_head_has_no_stream(person: Any, listen: Opener) -> None:
    async with listen(person(), method="HEAD") as stream:
        assert await stream.text() == ""
    assert (stream.status, stream.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")


@pytest.fixture
def quick_heart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rewards_service.services.events.CHECK_SECONDS", 0.02)
    monkeypatch.setattr("rewards_service.services.events.HEARTBEAT_SECONDS", 0.05)


@pytest.mark.usefixtures("quick_heart")
async def test_a_quiet_stream_shows_that_it_lives(person: Any, listen: Opener) -> None:
    async with listen(person()) as stream:
        await stream.frame()
        assert await stream.text() == ": still here\n\n"
        assert await stream.text() == ": still here\n\n"


@pytest.mark.usefixtures("quick_heart")
async def test_an_event_whose_notification_is_lost_comes_with_the_heartbeat(
    person: Any, listen: Opener, sql: asyncpg.Connection, made_task: Any
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
    person: Any, listen: Opener, sql: asyncpg.Connection, made_task: Any
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
    app: FastAPI, person: Any, listen: Opener, monkeypatch: pytest.MonkeyPatch
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


async def test_what_an_event_keeps_is_all_that_a_task_needs(sql: asyncpg.Connection, made_task: Any) -> None:
    await made_task(uuid4())
    assert set(json.loads(await sql.fetchval("SELECT data FROM event"))) == set(Task.model_fields)
