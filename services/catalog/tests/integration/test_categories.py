"""The category tree: the one that every catalogue begins with, how it is changed, and which apps stand where."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

pytestmark = pytest.mark.integration


async def test_anyone_reads_a_tree_of_two_levels_on_one_page(anyone: Any) -> None:
    answer = await anyone.get("/api/v1/categories")
    assert answer.status_code == 200
    page = answer.json()
    assert page["next_cursor"] is None
    slugs = [item["slug"] for item in page["items"]]
    assert {"tools", "communication", "games", "finance", "health", "travel", "other"} <= set(slugs)
    assert slugs[-1] == "other"
    games = next(item for item in page["items"] if item["slug"] == "games")
    assert set(games) == {"id", "slug", "name", "children"}
    assert [child["slug"] for child in games["children"]] == ["puzzle", "action", "strategy", "casual"]
    assert all(set(child) == {"id", "slug", "name"} for item in page["items"] for child in item["children"])


async def test_every_category_takes_apps_and_lists_them(anyone: Any, add_app: Any) -> None:
    tree = (await anyone.get("/api/v1/categories")).json()["items"]
    pairs = [(item["slug"], child["slug"]) for item in tree for child in item["children"]]
    pairs += [(item["slug"], None) for item in tree]
    for number, (category, subcategory) in enumerate(pairs):
        app = await add_app(f"org.example.a{number}", category=category, subcategory=subcategory)
        listed = (await anyone.get("/api/v1/apps", params={"category": subcategory or category})).json()["items"]
        assert app in listed


ANY = {"If-Match": "*"}
PATH = "/api/v1/categories"


@pytest.fixture
async def new_category(admin: Any, database_url: str) -> AsyncIterator[Any]:
    """Adds categories; the tree of the migrations is left as it was."""

    async def add(slug: str, **fields: Any) -> Any:
        return await admin.post(PATH, json={"slug": slug, "name": slug.title()} | fields)

    yield add
    connection = await asyncpg.connect(database_url)
    await connection.execute("TRUNCATE app, app_price, app_text")
    await connection.execute("DELETE FROM category WHERE slug LIKE 'new%' AND parent_id IS NOT NULL")
    await connection.execute("DELETE FROM category WHERE slug LIKE 'new%'")
    await connection.close()


async def test_a_category_is_added_read_changed_and_deleted(new_category: Any, admin: Any, anyone: Any) -> None:
    created = await new_category("new-radio", parent="travel", position=9)
    assert created.status_code == 201, created.text
    path, node = created.headers["Location"], created.json()
    assert node == {"id": node["id"], "slug": "new-radio", "name": "New-Radio", "parent": "travel", "position": 9}
    read = await anyone.get(path)
    assert (read.json(), read.headers["ETag"]) == (node, created.headers["ETag"])
    changed = await admin.patch(path, json={"name": "Radio"}, headers={"If-Match": read.headers["ETag"]})
    assert changed.json() == node | {"name": "Radio"}
    tree = (await anyone.get(PATH)).json()["items"]
    travel = next(item for item in tree if item["slug"] == "travel")
    assert travel["children"][-1] == {"id": node["id"], "slug": "new-radio", "name": "Radio"}
    assert (await admin.delete(path, headers={"If-Match": read.headers["ETag"]})).status_code == 412
    assert (await admin.delete(path, headers={"If-Match": changed.headers["ETag"]})).status_code == 204
    assert (await anyone.get(path)).status_code == 404


async def test_what_would_break_the_tree_is_refused(new_category: Any, admin: Any) -> None:
    assert (await new_category("games")).json()["code"] == "category-exists"
    assert (await new_category("new-a", parent="puzzle")).status_code == 422
    assert (await new_category("new-a", parent="new-b")).status_code == 422
    assert (await new_category("Not a slug")).status_code == 422
    path = (await new_category("new-a")).headers["Location"]
    for body in ({"slug": "new-b"}, {"parent": "games"}, {"name": ""}, {"position": -1}):
        assert (await admin.patch(path, json=body, headers=ANY)).status_code == 422
    assert (await admin.patch(path, json={"name": "B"})).status_code == 428
    assert (await admin.delete(path)).status_code == 428
    assert (await admin.delete(f"{PATH}/{uuid4()}", headers=ANY)).status_code == 404


async def test_only_administrators_change_the_tree(new_category: Any, as_user: Any) -> None:
    path = (await new_category("new-a")).headers["Location"]
    for client, status in ((as_user(None), 401), (as_user("user", "reviewer"), 403)):
        assert (await client.post(PATH, json={"slug": "new-b", "name": "B"})).status_code == status
        assert (await client.patch(path, json={"name": "B"}, headers=ANY)).status_code == status
        assert (await client.delete(path, headers=ANY)).status_code == status


@pytest.mark.parametrize("use", ["category", "subcategory", "more", "child"])
async def test_a_category_in_use_stays(new_category: Any, admin: Any, add_app: Any, use: str) -> None:
    path = (await new_category("new-a", parent="games" if use == "subcategory" else None)).headers["Location"]
    match use:
        case "category":
            await add_app(category="new-a", publish=False)
        case "subcategory":
            await add_app(category="games", subcategory="new-a")
        case "more":
            await add_app(more_categories=["new-a"])
        case "child":
            await new_category("new-b", parent="new-a")
    refused = await admin.delete(path, headers=ANY)
    assert (refused.status_code, refused.json()["code"]) == (409, "category-in-use")


async def test_no_app_slips_into_a_category_that_is_being_deleted(new_category: Any, as_user: Any, admin: Any) -> None:
    for number in range(5):
        path = (await new_category(f"new-{number}")).headers["Location"]
        clients = [as_user("admin") for _ in range(6)]
        apps = [
            client.post(
                "/api/v1/apps",
                json={
                    "package_name": f"org.example.a{number}_{place}",
                    "name": "A",
                    "points": 1,
                    "more_categories": [f"new-{number}"],
                },
            )
            for place, client in enumerate(clients)
        ]
        *added, deleted = await asyncio.gather(*apps, admin.delete(path, headers=ANY))
        placed = [answer for answer in added if answer.status_code == 201]
        assert all(answer.status_code in {201, 422} for answer in added)
        assert deleted.status_code == (409 if placed else 204)


async def test_an_app_is_listed_in_all_its_categories_once_and_in_order(add_app: Any, anyone: Any) -> None:
    own = [await add_app(f"org.example.own{n}", category="games", points=2 * n + 1) for n in range(3)]
    more = [
        await add_app(f"org.example.more{n}", more_categories=["games", "kids"], points=2 * n + 2) for n in range(3)
    ]
    both = await add_app("org.example.both", category="games", more_categories=["games"], points=100)
    await add_app("org.example.none", category="tools")
    expected = [app["id"] for app in sorted([*own, *more, both], key=lambda app: -app["points"])]
    seen, cursor = [], None
    while cursor is not None or not seen:
        query = {"category": "games", "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await anyone.get("/api/v1/apps", params=query)).json()
        seen += [app["id"] for app in page["items"]]
        cursor = page["next_cursor"]
    assert seen == expected
    kids = (await anyone.get("/api/v1/apps", params={"category": "kids", "q": "reader", "sort": "points"})).json()
    assert [app["id"] for app in kids["items"]] == [app["id"] for app in more]


async def test_an_unknown_further_category_is_refused(admin: Any, add_app: Any) -> None:
    path = f"/api/v1/apps/{(await add_app())['id']}"
    refused = await admin.patch(path, json={"more_categories": ["games", "nothing"]}, headers=ANY)
    assert refused.json()["errors"][0]["pointer"] == "/more_categories/1"
    taken = await admin.patch(path, json={"more_categories": ["tools", "games", "tools"]}, headers=ANY)
    assert taken.json()["more_categories"] == ["games", "tools"]
