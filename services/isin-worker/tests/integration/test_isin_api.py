from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from isin_worker.reconcile import Reconciler
from isin_worker.testing import Publisher, make_isin, make_list, make_row
from servicekit import testing
from servicekit.jobs import SilentRinger

pytestmark = pytest.mark.integration

FEED = "/api/v1/feeds/nse-equity"
AsUser = Callable[..., httpx.AsyncClient]


@pytest.fixture
def user(as_user: AsUser) -> httpx.AsyncClient:
    return as_user()


@pytest.fixture
def admin(as_user: AsUser) -> httpx.AsyncClient:
    return as_user("admin")


@pytest.fixture
async def published(reconciler: Reconciler, publisher: Publisher) -> date:
    """Five companies stand on the list; the business date."""
    names = ["Alpha Motors Limited", "Beta Motors Limited", "Gamma Cement Limited", "Delta & Sons", "Omega O'Neil"]
    publisher.content = make_list(make_row(number, name) for number, name in enumerate(names))
    (visit,) = await reconciler.reconcile()
    return visit.run.business_date


async def items(client: httpx.AsyncClient, url: str, **query: Any) -> list[dict[str, Any]]:
    response = await client.get(url, params=query)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["items"]
    return found


async def test_every_route_but_the_health_ones_wants_a_signed_in_user(app: FastAPI) -> None:
    async with testing.client_of(app) as nobody:
        operations = [(method, path) for path, item in app.openapi()["paths"].items() for method in item]
        assert len(operations) == 13
        for method, template in operations:
            path = template.format(isin=make_isin(1), name="nse-equity", run_id=uuid4())
            response = await nobody.request(method, path)
            assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer"), path


async def test_an_isin_with_what_the_list_says_of_it(user: httpx.AsyncClient, published: date) -> None:
    response = await user.get(f"/api/v1/isins/{make_isin(2)}")
    assert response.status_code == 200
    assert response.json() == {
        "isin": make_isin(2),
        "valid": True,
        "country": "IN",
        "name": "Gamma Cement Limited",
        "type": "equity",
        "currency": "INR",
        "lei": None,
        "status": "active",
        "feeds": [
            {
                "feed": "nse-equity",
                "status": "listed",
                "first_seen": published.isoformat(),
                "last_seen": published.isoformat(),
                "venues": [],
                "details": {"symbol": "SYM2", "series": "EQ"},
            }
        ],
    }
    again = await user.get(f"/api/v1/isins/{make_isin(2)}", headers={"If-None-Match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_an_isin_may_be_asked_for_in_lower_case(user: httpx.AsyncClient, published: date) -> None:
    response = await user.get(f"/api/v1/isins/{make_isin(2).lower()}")
    assert response.json()["isin"] == make_isin(2)


async def test_last_seen_follows_unchanged_runs_and_stays_where_it_was_for_what_is_removed(
    user: httpx.AsyncClient,
    published: date,
    reconciler: Reconciler,
    publisher: Publisher,
    db: asyncpg.Connection,
) -> None:
    async def earlier() -> None:
        for statement in (
            "UPDATE run SET business_date = business_date - 1",
            "UPDATE publication SET business_date = business_date - 1",
            "UPDATE listing SET first_seen = first_seen - 1, last_seen = last_seen - 1",
        ):
            await db.execute(statement)

    async def seen(number: int) -> tuple[str, str, str]:
        body = (await user.get(f"/api/v1/isins/{make_isin(number)}")).json()
        (feed,) = body["feeds"]
        return body["status"], feed["first_seen"], feed["last_seen"]

    yesterday = (published - timedelta(days=1)).isoformat()
    await earlier()
    assert await seen(0) == ("active", yesterday, yesterday)
    await reconciler.reconcile()  # the same list once more
    assert await seen(0) == ("active", yesterday, published.isoformat())
    await earlier()
    publisher.content = make_list([make_row(1, "Beta Motors Limited")])
    await reconciler.reconcile()
    before_yesterday = (published - timedelta(days=2)).isoformat()
    assert await seen(0) == ("removed", before_yesterday, yesterday)
    assert await seen(1) == ("active", before_yesterday, published.isoformat())


async def test_a_valid_isin_that_no_list_has_is_404(user: httpx.AsyncClient, published: date) -> None:
    response = await user.get("/api/v1/isins/US0378331005")
    assert (response.status_code, response.json()["code"]) == (404, "unknown-isin")


@pytest.mark.parametrize(
    ("text", "code", "detail"),
    [
        ("US0378331004", "check-digit", "the check digit should be 5"),
        (
            "US037833100",
            "length",
            "an ISIN has 12 characters, this has 11; the check digit of its first 11 characters is 5",
        ),
        ("hello", "length", "an ISIN has 12 characters, this has 5"),
    ],
)
async def test_what_is_no_isin_is_422_and_the_right_check_digit_is_named(
    text: str, code: str, detail: str, user: httpx.AsyncClient
) -> None:
    response = await user.get(f"/api/v1/isins/{text}")
    assert (response.status_code, response.json()["code"]) == (422, "not-an-isin")
    assert response.json()["errors"] == [{"pointer": "/path/isin", "code": code, "detail": detail}]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"q": "motor"}, [0, 1]),
        ({"q": "MOTORS alpha"}, [0]),
        ({"q": "sym3"}, [3]),
        ({"q": make_isin(4)[:11].lower()}, [4]),
        ({"q": "& ' \\ :* !"}, []),
        ({"q": "o'neil"}, [4]),
        ({"q": "nothing like it"}, []),
        ({"country": "IN"}, [0, 1, 2, 3, 4]),
        ({"country": "US"}, []),
        ({"feed": "nse-equity", "type": "equity", "status": "active"}, [0, 1, 2, 3, 4]),
        ({"feed": "another"}, []),
        ({"type": "bond"}, []),
        ({"status": "removed"}, []),
    ],
)
async def test_the_list_of_isins_narrowed(
    query: dict[str, str], numbers: list[int], user: httpx.AsyncClient, published: date
) -> None:
    found = await items(user, "/api/v1/isins", **query)
    assert [item["isin"] for item in found] == [make_isin(number) for number in numbers]


async def test_pages_of_isins_follow_each_other_without_gap_or_repetition(
    user: httpx.AsyncClient, published: date
) -> None:
    url: str | None = "/api/v1/isins?limit=2"
    seen: list[str] = []
    while url:
        response = await user.get(url)
        seen += [item["isin"] for item in response.json()["items"]]
        url = response.links.get("next", {}).get("url")
        assert (url is None) == (response.json()["next_cursor"] is None)
    assert seen == [make_isin(number) for number in range(5)]


async def test_a_cursor_of_another_search_is_refused(user: httpx.AsyncClient, published: date) -> None:
    cursor = (await user.get("/api/v1/isins", params={"limit": 1})).json()["next_cursor"]
    for params in ({"cursor": cursor, "q": "motor"}, {"cursor": "forged"}):
        response = await user.get("/api/v1/isins", params=params)
        assert (response.status_code, response.json()["code"]) == (422, "invalid-cursor")


async def test_validation_answers_in_the_order_asked(user: httpx.AsyncClient, db: asyncpg.Connection) -> None:
    response = await user.post("/api/v1/isins/validate", json={"isins": ["US0378331004", " US0378331005 ", "x"]})
    assert response.json()["items"] == [
        {"isin": "US0378331004", "valid": False, "reason": "check-digit", "expected_check_digit": 5},
        {"isin": "US0378331005", "valid": True, "reason": None, "expected_check_digit": 5},
        {"isin": "x", "valid": False, "reason": "length", "expected_check_digit": None},
    ]


async def test_ten_thousand_isins_are_validated_at_once_and_not_one_more(user: httpx.AsyncClient) -> None:
    isins = [make_isin(number) for number in range(10_000)]
    response = await user.post("/api/v1/isins/validate", json={"isins": isins})
    assert [item["isin"] for item in response.json()["items"]] == isins
    assert all(item["valid"] for item in response.json()["items"])
    response = await user.post("/api/v1/isins/validate", json={"isins": [*isins, isins[0]]})
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/isins")


async def post_text(
    client: httpx.AsyncClient, content: bytes, kind: str = "text/plain; charset=utf-8"
) -> httpx.Response:
    return await client.post("/api/v1/isins/extract", content=content, headers={"Content-Type": kind})


async def test_everything_of_the_shape_of_an_isin_is_found_in_a_text(user: httpx.AsyncClient, published: date) -> None:
    known, wrong = make_isin(1), "US0378331004"
    text = f"Caf\N{LATIN SMALL LETTER E WITH ACUTE}: {known}, US0378331005 ({wrong}) x{known} {known}9"
    response = await post_text(user, text.encode())
    assert response.json()["items"] == [
        {"isin": known, "offset": 6, "valid": True, "known": True},
        {"isin": "US0378331005", "offset": 20, "valid": True, "known": False},
        {"isin": wrong, "offset": 34, "valid": False, "known": False},
    ]


async def test_a_text_of_one_mebibyte_is_searched_and_a_longer_one_refused(
    user: httpx.AsyncClient, published: date
) -> None:
    isins = "".join(f"{make_isin(number)}\n" for number in range(80_000)).encode()
    content = isins + b"." * (1024 * 1024 - len(isins))
    response = await post_text(user, content)
    assert [item["known"] for item in response.json()["items"]] == [True] * 5 + [False] * 79_995
    assert (await post_text(user, content + b".")).status_code == 413


async def test_a_text_in_another_form_is_refused(user: httpx.AsyncClient) -> None:
    assert (await post_text(user, b"{}", "application/json")).status_code == 415
    assert (await post_text(user, b"\xff\xfe")).status_code == 400
    assert (await post_text(user, b"")).json() == {"items": []}


async def test_a_feed_that_never_ran_is_stale_and_due(user: httpx.AsyncClient, db: asyncpg.Connection) -> None:
    (feed,) = await items(user, "/api/v1/feeds")
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
