"""The category tree that every catalogue begins with."""

from typing import Any

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
