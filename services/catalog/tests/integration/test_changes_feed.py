"""The feed of changes: complete, in order, and without gaps while others write."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from catalog_service.services.changes import KEPT_DAYS
from servicekit import testing
from servicekit.pagination import Cursors

pytestmark = pytest.mark.integration

PATH = "/api/v1/apps/changes"
ANY = {"If-Match": "*"}


@pytest.fixture
async def connection(as_user: Any, database_url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
def settled(connection: Any) -> Any:
    """Waits until all that ran at the call has ended. The horizon is one for all databases of the server, and so it
    may be held back for a moment by the tests of other services."""

    async def settled() -> None:
        now = await connection.fetchval("SELECT pg_current_xact_id()::text::bigint")
        while await connection.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint") <= now:
            pass

    return settled


@pytest.fixture
def read(anyone: Any, settled: Any) -> Any:
    """Reads the feed to its end: the apps and where to go on."""

    async def read(since: str | None = None, limit: int = 50, *, settle: bool = True) -> tuple[list[Any], str]:
        items: list[Any] = []
        if settle:
            await settled()
        while True:
            page = await anyone.get(PATH, params={"limit": limit} | ({"since": since} if since else {}))
            assert page.status_code == 200, page.text
            items += page.json()["items"]
            since = page.json()["since"]
            if page.json()["next_cursor"] is None:
                return items, since

    return read


async def test_the_feed_begins_with_all_and_goes_on_with_what_changed(read: Any, add_app: Any, admin: Any) -> None:
    first = await add_app("org.example.a")
    await add_app("org.example.draft", publish=False)
    second = await add_app("org.example.b")
    items, since = await read(limit=1)
    assert items == [first, second]
    assert await read(since) == ([], since)
    changed = (await admin.patch(f"/api/v1/apps/{first['id']}", json={"points": 1}, headers=ANY)).json()
    archived = (await admin.post(f"/api/v1/apps/{second['id']}/archive")).json()
    changed = (await admin.patch(f"/api/v1/apps/{first['id']}", json={"points": 2}, headers=ANY)).json()
    items, since = await read(since)
    assert items == [archived, changed]
    assert await read(since) == ([], since)


async def test_a_page_of_the_feed_links_to_the_next(add_app: Any, anyone: Any, settled: Any) -> None:
    apps = [await add_app(f"org.example.a{number}") for number in range(3)]
    await settled()
    page = await anyone.get(PATH, params={"limit": 2})
    following = await anyone.get(page.headers["Link"].split(">")[0].strip("<"))
    assert page.json()["items"] + following.json()["items"] == apps
    same = await anyone.get(PATH, params={"limit": 2}, headers={"If-None-Match": page.headers["ETag"]})
    assert same.status_code == 304


async def test_a_transaction_that_commits_late_is_not_lost(read: Any, add_app: Any, database_url: str) -> None:
    app = await add_app("org.example.slow")
    _, since = await read()
    slow = await asyncpg.connect(database_url)
    try:
        transaction = slow.transaction()
        await transaction.start()
        await slow.execute("UPDATE app SET name = 'Slow' WHERE id = $1", UUID(app["id"]))
        quick = await add_app("org.example.quick")
        items, since = await read(since, settle=False)
        await transaction.commit()
    finally:
        await slow.close()
    rest, _ = await read(since)
    assert {item["name"] for item in items + rest} == {"Slow", quick["name"]}


@pytest.fixture
async def writers(as_user: Any, database_url: str) -> AsyncIterator[list[Any]]:
    connections = [await asyncpg.connect(database_url) for _ in range(4)]
    yield connections
    for connection in connections:
        await connection.close()


@pytest.mark.parametrize("seed", range(12))
async def test_no_order_of_commits_hides_a_change(
    seed: int, read: Any, add_app: Any, admin: Any, writers: list[Any]
) -> None:
    """Transactions that begin, write, and end in any order, and a reader that looks after each step."""
    chance = random.Random(seed)
    apps = [(await add_app(f"org.example.a{number}"))["id"] for number in range(5)]
    copy: dict[str, Any] = {}
    since: str | None = None
    running: dict[Any, Any] = {}  # each writer's transaction
    held: dict[str, Any] = {}  # the writer that has changed an app and not ended yet: others would wait for it

    async def follow(*, settle: bool) -> None:
        nonlocal since
        items, since = await read(since, limit=2, settle=settle)
        copy.update({item["id"]: item for item in items})

    async def end(writer: Any) -> None:
        nonlocal held
        transaction = running.pop(writer)
        await (transaction.commit() if chance.random() < 0.8 else transaction.rollback())
        held = {app: by for app, by in held.items() if by is not writer}

    for _ in range(30):
        writer, app = chance.choice(writers), chance.choice(apps)
        if writer not in running:
            running[writer] = writer.transaction()
            await running[writer].start()
            await writer.execute("SELECT pg_current_xact_id()")  # its number, maybe long before its first change
        elif chance.random() < 0.4:
            await end(writer)
        elif held.setdefault(app, writer) is writer:
            await writer.execute("UPDATE app SET points = $1 WHERE id = $2", chance.randint(1, 999), UUID(app))
        await follow(settle=False)
    for writer in chance.sample(list(running), len(running)):
        await end(writer)
    await follow(settle=True)
    listed = (await admin.get("/api/v1/apps")).json()["items"]
    assert copy == {app["id"]: app for app in listed}


async def test_a_copy_kept_while_others_write_is_right_in_the_end(read: Any, add_app: Any, as_user: Any) -> None:
    apps = [await add_app(f"org.example.a{number}") for number in range(6)]
    copy: dict[str, Any] = {}
    writing = True

    async def write(seed: int) -> None:
        chance, client = random.Random(seed), as_user("admin")
        for _ in range(8):
            path = f"/api/v1/apps/{chance.choice(apps)['id']}"
            answer = await client.patch(path, json={"points": chance.randint(1, 999)}, headers=ANY)
            assert answer.status_code == 200

    async def follow() -> None:
        since = None
        while True:
            last = not writing
            items, since = await read(since, limit=2, settle=last)
            copy.update({item["id"]: item for item in items})
            if last:
                return

    follower = asyncio.ensure_future(follow())
    await asyncio.gather(*(write(seed) for seed in range(6)))
    writing = False
    await follower
    listed = (await as_user("admin").get("/api/v1/apps")).json()["items"]
    assert {app["id"]: app for app in listed} == copy


async def test_what_is_too_old_or_made_up_is_refused(anyone: Any, settings: Any, add_app: Any) -> None:
    await add_app()
    cursors, today = Cursors(settings.cursor_secret), int(time.time()) // 86_400

    async def answer(xid: int, day: int) -> Any:
        return await anyone.get(PATH, params={"since": cursors.encode("changes", [xid, UUID(int=0), day])})

    assert (await answer(0, today - KEPT_DAYS)).status_code == 200
    for gone in (await answer(0, today - KEPT_DAYS - 1), await answer(2**62, today)):
        assert (gone.status_code, gone.json()["code"]) == (410, "changes-too-old")
    for name in ("since", "cursor"):
        for token in ("x", testing.TEST_SECRET, ""):
            refused = await anyone.get(PATH, params={name: token})
            assert refused.status_code == 422
            assert [fault["pointer"] for fault in refused.json()["errors"]] == [f"/query/{name}"]


async def test_since_may_be_a_date_or_a_time(read: Any, add_app: Any, admin: Any, anyone: Any) -> None:
    first, second = await add_app("org.example.a"), await add_app("org.example.b")
    items, since = await read(second["updated_at"])
    assert items == [second]
    changed = (await admin.patch(f"/api/v1/apps/{first['id']}", json={"points": 1}, headers=ANY)).json()
    assert (await read(since))[0] == [changed]
    assert (await read(str(datetime.now(UTC).date() - timedelta(days=1))))[0] == [second, changed]
    items, since = await read("2099-01-01T00:00:00Z")
    assert items == []
    archived = (await admin.post(f"/api/v1/apps/{second['id']}/archive")).json()
    assert (await read(since))[0] == [archived]
    old = await anyone.get(PATH, params={"since": "2020-01-01"})
    assert (old.status_code, old.json()["code"]) == (410, "changes-too-old")


async def test_since_a_time_misses_nothing_that_commits_later(read: Any, add_app: Any, database_url: str) -> None:
    slow_app = await add_app("org.example.slow")
    before = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    slow = await asyncpg.connect(database_url)
    try:
        transaction = slow.transaction()
        await transaction.start()
        await slow.execute("UPDATE app SET name = 'Slow', updated_at = now() WHERE id = $1", UUID(slow_app["id"]))
        quick = await add_app("org.example.quick")
        items, since = await read(before, settle=False)
        await transaction.commit()
    finally:
        await slow.close()
    rest, _ = await read(since)
    assert {item["name"] for item in items + rest} == {"Slow", quick["name"]}
