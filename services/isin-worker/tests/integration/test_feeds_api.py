from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from isin_worker.reconcile import Reconciler
from isin_worker.testing import Publisher, make_list, make_row
from servicekit import testing
from servicekit.jobs import SilentRinger

pytestmark = pytest.mark.integration

FEED = "/api/v1/feeds/nse-equity"
AsUser = Callable[..., httpx.AsyncClient]


async def test_a_feed_that_never_ran_is_stale_and_due(user: httpx.AsyncClient, db: asyncpg.Connection) -> None:
    (feed,) = (await user.get("/api/v1/feeds")).json()["items"]
    assert feed == (await user.get(FEED)).json()
    assert (feed["name"], feed["schedule"]) == ("nse-equity", "daily 02:00 UTC")
    assert feed["terms"].startswith("https://www.nseindia.com/")
    assert (feed["freshness"], feed["rows"], feed["last_success_at"]) == ("stale", 0, None)
    assert await db.fetchval("SELECT $1::text::timestamptz <= now()", feed["next_run_at"])


async def test_a_feed_that_ran_is_fresh_and_due_the_next_day(
    user: httpx.AsyncClient, published: date, db: asyncpg.Connection
) -> None:
    feed = (await user.get(FEED)).json()
    assert (feed["freshness"], feed["rows"], feed["business_date"]) == ("fresh", 5, published.isoformat())
    assert feed["next_run_at"] == f"{published + timedelta(days=1)}T02:00:00Z"
    assert await db.fetchval("SELECT now() - $1::text::timestamptz < interval '1 min'", feed["last_success_at"])


async def test_a_feed_whose_lists_are_missing_is_late_or_stale(
    user: httpx.AsyncClient, published: date, db: asyncpg.Connection
) -> None:
    await db.execute("UPDATE publication SET business_date = business_date - 2")
    assert (await user.get(FEED)).json()["freshness"] == "stale"


@pytest.mark.parametrize("path", ["", "/runs", "/runs/019a9f3e-5c1a-7c3e-9a44-0c5b1f1e2d3c"])
async def test_a_feed_that_is_not_there_is_404(path: str, user: httpx.AsyncClient, db: asyncpg.Connection) -> None:
    response = await user.get(f"/api/v1/feeds/nothing{path}")
    assert (response.status_code, response.json()["code"]) == (404, "unknown-feed")


async def test_a_run_is_asked_for_rung_for_and_done(
    admin: httpx.AsyncClient, user: httpx.AsyncClient, bell: SilentRinger, reconciler: Reconciler, publisher: Publisher
) -> None:
    rings = bell.rings
    response = await admin.post(f"{FEED}/runs")
    assert (response.status_code, response.json()["status"]) == (202, "pending")
    assert (response.json()["trigger"], response.json()["attempts"]) == ("api", 0)
    assert bell.rings == rings + 1
    location = response.headers["location"]
    assert location == f"{FEED}/runs/{response.json()['id']}"
    publisher.content = make_list([make_row(1), make_row(2, isin="-")])
    await reconciler.reconcile()
    done = (await user.get(location)).json()
    assert (done["status"], done["trigger"], done["error"]) == ("succeeded", "api", None)
    assert (done["rows"], done["valid"], done["quarantined"], done["added"]) == (2, 1, 1, 1)
    assert (done["bytes"], done["removed"], done["unchanged"]) == (len(publisher.content), 0, 0)
    assert done["finished_at"].endswith("Z")
    again = await admin.post(f"{FEED}/runs", json={"business_date": done["business_date"]})
    assert (again.status_code, again.json()) == (200, done)
    assert again.headers["location"] == location
    assert bell.rings == rings + 1


async def test_a_forced_run_is_done_again_and_reads_the_list_although_it_is_unchanged(
    admin: httpx.AsyncClient, published: date, reconciler: Reconciler, publisher: Publisher
) -> None:
    response = await admin.post(f"{FEED}/runs", json={"force": True})
    assert (response.status_code, response.json()["status"]) == (202, "pending")
    publisher.etag = '"x"'
    (visit,) = await reconciler.reconcile()
    assert "if-none-match" not in publisher.requests[-1]
    assert (visit.run.added, visit.run.unchanged, visit.run.forced) == (0, 5, False)


async def test_asking_twice_is_asking_once(admin: httpx.AsyncClient, db: asyncpg.Connection) -> None:
    first, second = await admin.post(f"{FEED}/runs"), await admin.post(f"{FEED}/runs")
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["id"] == second.json()["id"]
    assert await db.fetchval("SELECT count(*) FROM run") == 1


async def test_a_run_that_is_being_done_is_409_until_its_lease_is_over(
    admin: httpx.AsyncClient, db: asyncpg.Connection
) -> None:
    await admin.post(f"{FEED}/runs")
    lease = "UPDATE run SET status = 'running', owner = gen_random_uuid(), lease_expires_at = now() + $1::interval"
    await db.execute(lease, timedelta(minutes=1))
    response = await admin.post(f"{FEED}/runs", json={"force": True})
    assert (response.status_code, response.json()["code"]) == (409, "run-in-progress")
    await db.execute(lease, timedelta(minutes=-1))
    assert (await admin.post(f"{FEED}/runs")).status_code == 202


async def test_a_dead_run_that_is_asked_for_gets_all_its_attempts_again(
    admin: httpx.AsyncClient, db: asyncpg.Connection
) -> None:
    await admin.post(f"{FEED}/runs")
    await db.execute(
        "UPDATE run SET status = 'dead', attempts = 3, error = 'x', next_try_at = now() + interval '1 day'"
    )
    response = await admin.post(f"{FEED}/runs")
    assert (response.status_code, response.json()["status"], response.json()["attempts"]) == (202, "pending", 0)
    assert await db.fetchval("SELECT next_try_at <= now() FROM run")


@pytest.mark.parametrize("day", ["2020-01-01", "2099-01-01"])
async def test_a_date_whose_list_is_not_to_be_had_is_422(
    day: str, admin: httpx.AsyncClient, db: asyncpg.Connection
) -> None:
    response = await admin.post(f"{FEED}/runs", json={"business_date": day})
    assert (response.status_code, response.json()["code"]) == (422, "date-not-available")
    assert response.json()["errors"][0]["pointer"] == "/business_date"
    assert await db.fetchval("SELECT count(*) FROM run") == 0


async def test_only_admins_ask_for_runs(as_user: AsUser) -> None:
    for roles in ([], ["reviewer"]):
        assert (await as_user(*roles).post(f"{FEED}/runs")).status_code == 403
    assert (await as_user("admin").post("/api/v1/feeds/nothing/runs")).status_code == 404


async def test_unknown_fields_of_a_request_are_refused(admin: httpx.AsyncClient) -> None:
    response = await admin.post(f"{FEED}/runs", json={"forced": True})
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/forced")


async def test_runs_are_listed_from_the_newest_date_on_in_pages(
    user: httpx.AsyncClient, db: asyncpg.Connection
) -> None:
    await db.execute(
        "INSERT INTO run (feed, business_date, trigger, status) "
        "SELECT 'nse-equity', '2026-01-01'::date + day, 'schedule', 'dead' FROM generate_series(0, 4) AS day"
    )
    url: str | None = f"{FEED}/runs?limit=2"
    seen: list[str] = []
    while url:
        response = await user.get(url)
        seen += [run["business_date"] for run in response.json()["items"]]
        url = response.links.get("next", {}).get("url")
    assert seen == [f"2026-01-0{day}" for day in (5, 4, 3, 2, 1)]


async def test_admins_see_what_a_run_refused_in_pages_and_nobody_else_does(
    as_user: AsUser, reconciler: Reconciler, publisher: Publisher
) -> None:
    publisher.content = make_list([make_row(1), *(make_row(number, isin="-") for number in range(2, 5)), make_row(1)])
    (visit,) = await reconciler.reconcile()
    admin, url = as_user("admin"), f"{FEED}/runs/{visit.run.id}/quarantine"
    first = await admin.get(url, params={"limit": 3})
    second = await admin.get(first.links["next"]["url"])
    rows = [*first.json()["items"], *second.json()["items"]]
    assert [(row["row_number"], row["reason"]) for row in rows] == [
        (3, "no ISIN"), (4, "no ISIN"), (5, "no ISIN"), (6, "the ISIN stands on line 2 already"),
    ]  # fmt: skip
    assert rows[0]["raw"] == ",".join(make_row(2, isin="-"))
    assert (second.json()["next_cursor"], visit.run.quarantined) == (None, 4)
    assert (await as_user().get(url)).status_code == 403
    assert (await admin.get(f"{FEED}/runs/{uuid4()}/quarantine")).json()["code"] == "unknown-run"


async def test_a_run_of_an_unknown_id_is_404(user: httpx.AsyncClient, db: asyncpg.Connection) -> None:
    response = await user.get(f"{FEED}/runs/{uuid4()}")
    assert (response.status_code, response.json()["code"]) == (404, "unknown-run")


async def test_the_api_answers_while_the_queue_is_away(
    settings: Any, db: asyncpg.Connection, open_reconcilers: Callable[..., Awaitable[Reconciler]]
) -> None:
    from pydantic import SecretStr

    from isin_worker.main import create_app

    alone = settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:1/0")})
    async with testing.running(create_app(alone, keys=testing.test_keys())) as app:
        token = testing.make_token(uuid4(), ["admin"], settings)
        async with testing.client_of(app, token) as admin:
            assert (await admin.get("/readyz")).status_code == 200
            assert (await admin.post(f"{FEED}/runs")).status_code == 202
    assert await db.fetchval("SELECT status FROM run") == "pending"
