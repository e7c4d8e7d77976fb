"""The history as a feed of changes: in the order in which it was published, without gaps."""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest

from isin_worker.reconcile import Reconciler
from isin_worker.testing import Publisher, eventually, make_isin, make_list, make_row

pytestmark = pytest.mark.integration

CHANGES = "/api/v1/isins/changes"


@pytest.fixture
async def two_days(reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection) -> None:
    publisher.content = make_list(make_row(number) for number in range(4))
    await reconciler.reconcile()
    await db.execute("UPDATE run SET business_date = business_date - 1")
    await db.execute("UPDATE publication SET business_date = business_date - 1")
    await db.execute("UPDATE listing SET first_seen = first_seen - 1")
    await db.execute("UPDATE isin_change SET at = at - interval '1 day'")
    publisher.content = make_list([make_row(1, "Renamed"), make_row(2), make_row(3), make_row(4)])
    await reconciler.reconcile()


async def page(user: httpx.AsyncClient, **query: Any) -> dict[str, Any]:
    answer = await user.get(CHANGES, params=query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def summary(body: dict[str, Any]) -> list[tuple[str, str]]:
    return [(change["kind"], change["isin"]) for change in body["items"]]


@pytest.mark.usefixtures("two_days")
async def test_changes_come_by_run_with_what_was_and_what_is(user: httpx.AsyncClient) -> None:
    body = await page(user)
    assert summary(body)[:4] == [("added", make_isin(number)) for number in range(4)]
    assert sorted(summary(body)[4:]) == [
        ("added", make_isin(4)), ("changed", make_isin(1)), ("removed", make_isin(0)),
    ]  # fmt: skip
    changed = next(change for change in body["items"] if change["kind"] == "changed")
    assert (changed["old"]["name"], changed["new"]["name"]) == ("Company 1 Limited", "Renamed")
    assert changed["new"]["details"] == {"symbol": "SYM1", "series": "EQ"}
    removed = next(change for change in body["items"] if change["kind"] == "removed")
    assert removed["new"] is None
    assert body["items"][0]["business_date"] < body["items"][-1]["business_date"]


@pytest.mark.usefixtures("two_days")
async def test_pages_follow_each_other_and_since_goes_on_where_they_ended(
    user: httpx.AsyncClient, reconciler: Reconciler, publisher: Publisher
) -> None:
    everything = summary(await page(user))
    seen: list[tuple[str, str]] = []
    body = await page(user, limit=2)
    seen += summary(body)
    while body["next_cursor"]:
        body = await page(user, limit=2, cursor=body["next_cursor"])
        seen += summary(body)
    assert seen == everything
    assert summary(await page(user, since=body["since"])) == []
    assert (await page(user, since=body["since"]))["since"] == body["since"]
    publisher.content = make_list([make_row(number) for number in (1, 2, 3, 4)])
    (visit,) = await reconciler.reconcile()
    assert not visit.worked
    assert summary(await page(user, since=body["since"])) == []


@pytest.mark.usefixtures("two_days")
async def test_since_may_be_a_date_or_a_time(user: httpx.AsyncClient, db: asyncpg.Connection) -> None:
    latest = (await db.fetchval("SELECT max(at) FROM isin_change")).isoformat()
    assert len(summary(await page(user, since=latest))) == 3
    assert len(summary(await page(user, since="2020-01-01"))) == 7
    assert summary(await page(user, since="2099-01-01T00:00:00Z")) == []


@pytest.mark.usefixtures("two_days")
async def test_changes_of_one_feed(user: httpx.AsyncClient) -> None:
    assert len(summary(await page(user, feed="nse-equity"))) == 7
    assert summary(await page(user, feed="another")) == []


@pytest.mark.parametrize("since", ["yesterday", "AAAA", "2026-13-01"])
async def test_a_since_that_was_never_given_is_refused(since: str, user: httpx.AsyncClient) -> None:
    for name in ("since", "cursor"):
        answer = await user.get(CHANGES, params={name: since})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-cursor")
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [f"/query/{name}"]


async def test_a_change_never_appears_behind_one_that_was_already_told(
    user: httpx.AsyncClient, reconciler: Reconciler, publisher: Publisher, db: asyncpg.Connection, database_url: str
) -> None:
    """A publication waits with its history until one of another feed that began earlier is visible."""
    publisher.content = make_list([make_row(1)])
    other = await asyncpg.connect(database_url)
    earlier = other.transaction()
    await earlier.start()
    await other.execute("SELECT pg_advisory_xact_lock(hashtextextended('isin_change', 0))")
    run_id = await other.fetchval(
        "INSERT INTO run (feed, business_date, trigger) VALUES ('other', '2026-01-01', 'command') RETURNING id"
    )
    await other.execute(
        "INSERT INTO isin_change (run_id, feed, isin, kind) VALUES ($1, 'other', $2, 'added')", run_id, make_isin(7)
    )
    publishing = asyncio.create_task(reconciler.reconcile())
    waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"

    async def waiting() -> bool:
        return bool(await db.fetchval(waits))

    await eventually(waiting)
    assert summary(await page(user)) == []
    await earlier.commit()
    await other.close()
    await publishing
    assert summary(await page(user)) == [("added", make_isin(7)), ("added", make_isin(1))]
