"""How often and when an app is offered, what it was worth, who changed it, and how many apps there are of a kind."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

pytestmark = pytest.mark.integration

PATH = "/api/v1/apps"
ANY = {"If-Match": "*"}


def moment(**ahead: float) -> str:
    return (datetime.now(UTC) + timedelta(**ahead)).isoformat()


async def test_limits_and_window_are_kept_and_changed(admin: Any, add_app: Any) -> None:
    app = await add_app(
        max_completions_per_day=5, available_from="2026-01-01T00:00:00+02:00", available_until="2126-01-01T00:00:00Z"
    )
    assert app["max_completions_per_day"] == 5
    assert (app["available_from"], app["available_until"]) == ("2025-12-31T22:00:00Z", "2126-01-01T00:00:00Z")
    sent = {"max_completions_per_day": None, "available_until": None}
    changed = (await admin.patch(f"{PATH}/{app['id']}", json=sent, headers=ANY)).json()
    assert {name: changed[name] for name in sent} == sent
    assert changed["available_from"] == app["available_from"]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"max_completions_per_day": 0}, "/max_completions_per_day"),
        ({"available_from": "2026-01-01T00:00:00"}, "/available_from"),
        ({"available_from": "0001-01-01T00:00:00+10:00"}, "/available_from"),
        ({"available_from": "2026-01-02T00:00:00Z", "available_until": "2026-01-02T00:00:00Z"}, "/available_until"),
    ],
)
async def test_a_bad_limit_or_window_is_refused(admin: Any, add_app: Any, fields: Any, pointer: str) -> None:
    new = {"package_name": "org.example.New", "name": "New", "points": 1}
    refused = await admin.post(PATH, json=new | fields)
    assert (refused.status_code, [fault["pointer"] for fault in refused.json()["errors"]]) == (422, [pointer])
    path = f"{PATH}/{(await add_app())['id']}"
    assert (await admin.patch(path, json=fields, headers=ANY)).status_code == 422


async def test_a_window_is_checked_against_the_end_that_stays(admin: Any, add_app: Any) -> None:
    path = f"{PATH}/{(await add_app(available_until='2026-01-01T00:00:00Z'))['id']}"
    assert (await admin.patch(path, json={"available_from": "2026-02-01T00:00:00Z"}, headers=ANY)).status_code == 422


async def test_the_list_shows_what_is_offered_now(add_app: Any, admin: Any, anyone: Any) -> None:
    open_app = await add_app("org.example.open", available_from=moment(days=-1), available_until=moment(days=1))
    early = await add_app("org.example.early", available_from=moment(hours=1))
    late = await add_app("org.example.late", available_until=moment(hours=-1))
    assert (await anyone.get(PATH)).json()["items"] == [open_app]
    assert (await anyone.get(f"{PATH}/{late['id']}")).json() == late
    every = (await admin.get(PATH, params={"status": "published"})).json()["items"]
    assert {app["id"] for app in every} == {open_app["id"], early["id"], late["id"]}


async def test_the_history_has_every_price_from_and_to(as_user: Any, add_app: Any, admin: Any) -> None:
    path = f"{PATH}/{(await add_app(points=1))['id']}"
    for points in (2, 2, 3):
        await as_user("admin").patch(path, json={"points": points}, headers=ANY)
    await admin.patch(path, json={"name": "Other"}, headers=ANY)
    history = (await admin.get(f"{path}/points-history")).json()
    assert [(item["previous_points"], item["points"]) for item in history["items"]] == [(2, 3), (1, 2), (None, 1)]
    assert len({item["changed_by"] for item in history["items"]}) == 3
    pages, cursor = [], None
    while cursor is not None or not pages:
        page = await admin.get(f"{path}/points-history", params={"limit": 1} | ({"cursor": cursor} if cursor else {}))
        pages += page.json()["items"]
        cursor = page.json()["next_cursor"]
    assert pages == history["items"]


async def test_every_change_is_written_down_with_from_and_to(add_app: Any, admin: Any) -> None:
    path = f"{PATH}/{(await add_app(points=1, category='games', subcategory='puzzle'))['id']}"
    await admin.patch(path, json={"points": 2, "category": "tools"}, headers=ANY)
    await admin.patch(path, json={"points": 2}, headers=ANY)
    await admin.post(f"{path}/archive")
    events = (await admin.get(f"{path}/audit-events")).json()["items"]
    assert [event["action"] for event in events] == ["archive", "change", "publish", "create"]
    assert events[1]["fields"] == {"points": [1, 2], "category": ["games", "tools"], "subcategory": ["puzzle", None]}
    assert events[0]["fields"] == {"status": ["published", "archived"]}
    first = (await admin.get(f"{path}/audit-events", params={"limit": 1})).json()
    rest = (await admin.get(f"{path}/audit-events", params={"cursor": first["next_cursor"]})).json()
    assert first["items"] + rest["items"] == events


@pytest.mark.parametrize("what", ["points-history", "audit-events"])
async def test_histories_are_for_administrators(add_app: Any, admin: Any, as_user: Any, anyone: Any, what: str) -> None:
    path = f"{PATH}/{(await add_app())['id']}/{what}"
    assert (await as_user("user", "reviewer").get(path)).status_code == 403
    assert (await anyone.get(path)).status_code == 401
    assert (await admin.get(f"{PATH}/0199d1a2-7b60-7f3e-9c7d-2f0f1a6b5c4d/{what}")).status_code == 404
    assert (await admin.get(path, params={"cursor": "x"})).status_code == 422


async def test_facets_count_the_whole_list_by_category(add_app: Any, anyone: Any) -> None:
    for number, (category, subcategory) in enumerate(
        [("games", "puzzle"), ("games", "action"), ("games", None), ("tools", None)]
    ):
        await add_app(f"org.example.a{number}", category=category, subcategory=subcategory, points=number + 1)
    await add_app("org.example.draft", publish=False)
    await add_app("org.example.many", category="travel", more_categories=["games", "notes"], points=1)

    async def counts(**query: Any) -> dict[str, int]:
        page = (await anyone.get(PATH, params={"facets": "true", "limit": 1} | query)).json()
        return {item["category"]: item["count"] for item in page["facets"]["categories"]}

    assert await counts() == {"games": 4, "puzzle": 1, "action": 1, "tools": 1, "travel": 1, "notes": 1}
    assert await counts(min_points=2) == {"games": 2, "action": 1, "tools": 1}
    assert await counts(category="tools") == await counts()
    assert await counts(q="nothing") == {}
    assert "facets" not in (await anyone.get(PATH)).json()


async def test_a_page_may_go_on_without_its_facets(add_app: Any, anyone: Any) -> None:
    for number in range(2):
        await add_app(f"org.example.a{number}")
    first = (await anyone.get(PATH, params={"limit": 1, "facets": "true"})).json()
    second = (await anyone.get(PATH, params={"limit": 1, "cursor": first["next_cursor"]})).json()
    assert len(second["items"]) == 1
