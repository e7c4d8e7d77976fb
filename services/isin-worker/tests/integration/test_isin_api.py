from collections.abc import Callable
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

pytestmark = pytest.mark.integration

FEED = "/api/v1/feeds/nse-equity"
AsUser = Callable[..., httpx.AsyncClient]


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
