"""Lists: filters, sorts, pages that stay right, and what caches may do."""

import random
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

pytestmark = pytest.mark.integration

PATH = "/api/v1/apps"
SORTS = {
    "-points": lambda app: (-app["points"],),
    "points": lambda app: (app["points"],),
    "name": lambda app: (app["name"].lower(),),
    "-created_at": lambda app: (app["created_at"],),
}


async def walk(client: Any, **params: Any) -> list[dict[str, Any]]:
    """All items of a list, page by page."""
    items: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = await client.get(PATH, params=params | ({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        cursor = answer.json()["next_cursor"]
    return items


def names(items: list[dict[str, Any]]) -> list[str]:
    return [item["name"] for item in items]


async def test_apps_are_filtered_by_points_and_category(add_app: Any, anyone: Any) -> None:
    await add_app("org.example.a", name="A", points=10, category="games", subcategory="puzzle")
    await add_app("org.example.b", name="B", points=20, category="games", subcategory="action")
    await add_app("org.example.c", name="C", points=30, category="tools")
    for params, expected in (
        ({}, "CBA"),
        ({"min_points": 20}, "CB"),
        ({"max_points": 20}, "BA"),
        ({"min_points": 11, "max_points": 29}, "B"),
        ({"min_points": 30, "max_points": 10}, ""),
        ({"max_points": 2**63 - 1}, "CBA"),
        ({"category": "games"}, "BA"),
        ({"category": "puzzle"}, "A"),
        ({"category": "games", "min_points": 20}, "B"),
        ({"category": "travel"}, ""),
    ):
        answer = await anyone.get(PATH, params=params)
        assert "".join(names(answer.json()["items"])) == expected, params


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"limit": 0}, "/query/limit"),
        ({"limit": 201}, "/query/limit"),
        ({"min_points": -1}, "/query/min_points"),
        ({"min_points": "ten"}, "/query/min_points"),
        ({"max_points": 2**63}, "/query/max_points"),
        ({"sort": "created_at"}, "/query/sort"),
        ({"sort": "points; DROP TABLE app"}, "/query/sort"),
        ({"category": "no-such"}, "/query/category"),
        ({"category": "'"}, "/query/category"),
        ({"status": "deleted"}, "/query/status"),
        ({"cursor": "forged"}, "/query/cursor"),
        ({"cursor": "é"}, "/query/cursor"),
        ({"cursor": "A" * 2000}, "/query/cursor"),
    ],
)
async def test_a_parameter_that_cannot_be_is_named(admin: Any, params: dict[str, Any], pointer: str) -> None:
    answer = await admin.get(PATH, params=params)
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("limit", [1, 3, 50])
async def test_pages_together_are_the_list_in_order(add_app: Any, anyone: Any, sort: str, limit: int) -> None:
    for number in range(10):  # few different points and names: the id has to decide
        await add_app(f"org.example.a{number}", name=("b", "B", "á", "Z")[number % 4], points=1 + number % 3)
    items = await walk(anyone, sort=sort, limit=limit)
    assert len({item["id"] for item in items}) == len(items) == 10
    downwards = sort.startswith("-")
    keys = [(SORTS["points" if sort == "-points" else sort](item), item["id"]) for item in items]
    assert keys == sorted(keys, reverse=downwards)


async def test_the_name_sort_does_not_look_at_case(add_app: Any, anyone: Any) -> None:
    for number, name in enumerate(["beta", "Alpha", "Gamma", "alpha 2", "ÄRGER", "ärger 2"]):
        await add_app(f"org.example.a{number}", name=name)
    assert names(await walk(anyone, sort="name", limit=2)) == ["Alpha", "alpha 2", "beta", "Gamma", "ÄRGER", "ärger 2"]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("sort", SORTS)
async def test_pages_lose_and_repeat_nothing_while_apps_are_added(
    add_app: Any, admin: Any, anyone: Any, sort: str, seed: int
) -> None:
    chance = random.Random(f"{sort} {seed}")
    made = 0

    async def add(count: int) -> set[str]:
        nonlocal made
        ids = set()
        for _ in range(count):
            made += 1
            app = await add_app(f"org.example.a{made}", name=chance.choice("aBcD"), points=chance.randint(1, 4))
            ids.add(app["id"])
        return ids

    before, cursor = await add(12), None
    seen: list[str] = []
    while cursor is not None or not seen:
        params = {"sort": sort, "limit": chance.randint(1, 4)} | ({"cursor": cursor} if cursor else {})
        page = (await anyone.get(PATH, params=params)).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if made < 40:
            await add(chance.randint(0, 3))
    assert len(seen) == len(set(seen))
    assert before <= set(seen)


async def test_the_next_page_is_linked(add_app: Any, anyone: Any) -> None:
    for number in range(3):
        await add_app(f"org.example.a{number}", points=number + 1)
    first = await anyone.get(PATH, params={"limit": 2, "q": "reader"})
    assert [item["points"] for item in first.json()["items"]] == [3, 2]
    target, relation = first.headers["Link"].split("; ")
    assert relation == 'rel="next"'
    parts = urlsplit(target.strip("<>"))
    assert (parts.path, parse_qs(parts.query)) == (
        PATH,
        {"limit": ["2"], "q": ["reader"], "cursor": [first.json()["next_cursor"]]},
    )
    last = await anyone.get(target.strip("<>"))
    assert [item["points"] for item in last.json()["items"]] == [1]
    assert last.json()["next_cursor"] is None
    assert "Link" not in last.headers


async def test_a_cursor_fits_only_the_list_that_gave_it(add_app: Any, admin: Any) -> None:
    for number in range(3):
        await add_app(f"org.example.a{number}")
    own = {"sort": "points", "q": "reader", "limit": 1}
    cursor = (await admin.get(PATH, params=own)).json()["next_cursor"]
    assert (await admin.get(PATH, params=own | {"cursor": cursor, "limit": 2})).status_code == 200
    for other in (
        {"sort": "-points"},
        {"sort": "name"},
        {"sort": "-created_at"},
        {"q": "read"},
        {"category": "other"},
        {"min_points": 1},
        {"status": "published"},
        {"cursor": cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB")},
        {"cursor": cursor[1:]},
    ):
        answer = await admin.get(PATH, params=own | {"cursor": cursor} | other)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-cursor"), other


async def test_readers_may_cache_and_ask_whether_it_changed(add_app: Any, as_user: Any, admin: Any) -> None:
    app = await add_app()
    single, package = f"{PATH}/{app['id']}", f"{PATH}/by-package/{app['package_name']}"
    for path in (single, package, PATH, "/api/v1/categories"):
        for client in (as_user(None), as_user("user")):
            answer = await client.get(path)
            assert answer.headers["Cache-Control"] == "public, max-age=60, stale-while-revalidate=300"
            negotiated = "" if path.endswith("categories") else ", Accept-Language"
            assert answer.headers["Vary"] == f"Authorization{negotiated}"
            same = await client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
            assert (same.status_code, same.content) == (304, b"")
            for header in ("ETag", "Cache-Control", "Vary"):
                assert same.headers[header] == answer.headers[header]
            assert (await client.get(path, headers={"If-None-Match": '"other"'})).status_code == 200


async def test_what_administrators_read_is_asked_for_each_time(add_app: Any, admin: Any) -> None:
    app = await add_app(publish=False)
    for path in (f"{PATH}/{app['id']}", PATH, f"{PATH}?status=draft"):
        answer = await admin.get(path)
        assert answer.headers["Cache-Control"] == "private, no-cache"
        assert (await admin.get(path, headers={"If-None-Match": answer.headers["ETag"]})).status_code == 304


async def test_a_change_gives_the_list_a_new_version(add_app: Any, admin: Any, anyone: Any) -> None:
    app = await add_app()
    etag = (await anyone.get(PATH)).headers["ETag"]
    await admin.patch(f"{PATH}/{app['id']}", json={"points": 1}, headers={"If-Match": "*"})
    again = await anyone.get(PATH, headers={"If-None-Match": etag})
    assert (again.status_code, again.json()["items"][0]["points"]) == (200, 1)
