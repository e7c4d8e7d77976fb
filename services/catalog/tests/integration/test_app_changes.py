"""Adding and changing apps: what is taken, what is refused and where it says so, and who wins a race."""

import asyncio
from typing import Any
from urllib.parse import quote

import asyncpg
import pytest

pytestmark = pytest.mark.integration

NEW = {"package_name": "org.example.Reader", "name": "Reader", "points": 250}


def faults(answer: Any) -> list[str]:
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return [fault["pointer"] for fault in answer.json()["errors"]]


@pytest.mark.parametrize("field", ["package_name", "store_url"])
@pytest.mark.parametrize(
    ("sent", "package"),
    [
        ("org.example.Reader", "org.example.Reader"),
        ("com.UPPER.CamelCase_1", "com.UPPER.CamelCase_1"),
        ("https://play.google.com/store/apps/details?id=org.example.Reader", "org.example.Reader"),
        ("https://play.google.com/store/apps/details?id=org.example.Reader&hl=en&gl=GB", "org.example.Reader"),
        ("https://play.google.com/store/apps/details?hl=de&id=org.example.Reader", "org.example.Reader"),
        ("market://details?id=org.example.Reader", "org.example.Reader"),
        ("  org.example.Reader\n", "org.example.Reader"),
    ],
)
async def test_an_app_is_added_by_its_package_name_or_a_link(admin: Any, field: str, sent: str, package: str) -> None:
    created = await admin.post("/api/v1/apps", json={field: sent, "name": "Reader", "points": 1})
    assert created.status_code == 201, created.text
    assert created.json()["package_name"] == package
    assert created.json()["store_url"] == f"https://play.google.com/store/apps/details?id={package}"
    found = await admin.get(f"/api/v1/apps/by-package/{package}")
    assert found.json() == created.json()


async def test_names_that_differ_in_case_are_two_packages(admin: Any, add_app: Any, anyone: Any) -> None:
    upper, lower = await add_app("org.example.Reader"), await add_app("org.example.reader")
    assert (await anyone.get("/api/v1/apps/by-package/org.example.Reader")).json() == upper
    assert (await anyone.get("/api/v1/apps/by-package/org.example.reader")).json() == lower
    assert (await anyone.get("/api/v1/apps/by-package/org.example.READER")).status_code == 404


@pytest.mark.parametrize(
    "name", ["single", "1org.example", "org..example", "org.exam ple", "org.exämple", ".org.example", "o." + "a" * 300]
)
async def test_what_is_no_package_name_is_refused(admin: Any, anyone: Any, name: str) -> None:
    assert faults(await admin.post("/api/v1/apps", json=NEW | {"package_name": name})) == ["/package_name"]
    assert faults(await anyone.get(f"/api/v1/apps/by-package/{quote(name)}")) == ["/path/package_name"]


@pytest.mark.parametrize(
    ("change", "pointers"),
    [
        ({"package_name": None}, ["/package_name"]),
        ({"store_url": "market://details?id=org.example.Reader"}, ["/package_name"]),
        ({"store_url": "https://example.org/?id=org.example.Reader", "package_name": None}, ["/store_url"]),
        ({"package_name": "org.\0example"}, ["/package_name"]),
        ({"name": " \n"}, ["/name"]),
        ({"name": "x" * 201}, ["/name"]),
        ({"name": None}, ["/name"]),
        ({"summary": "x" * 501}, ["/summary"]),
        ({"description": "x" * 20_001}, ["/description"]),
        ({"points": 0}, ["/points"]),
        ({"points": 1_000_001}, ["/points"]),
        ({"points": 1.5}, ["/points"]),
        ({"points": "5"}, ["/points"]),
        ({"points": True}, ["/points"]),
        ({"max_completions": 0}, ["/max_completions"]),
        ({"category": "no-such"}, ["/category"]),
        ({"category": "puzzle"}, ["/category"]),
        ({"category": "Not a slug"}, ["/category"]),
        ({"category": "tools", "subcategory": "puzzle"}, ["/subcategory"]),
        ({"status": "published"}, ["/status"]),
        ({"name": "", "points": 0}, ["/name", "/points"]),
    ],
)
async def test_a_fault_is_named_by_its_pointer(admin: Any, change: dict[str, Any], pointers: list[str]) -> None:
    assert faults(await admin.post("/api/v1/apps", json=NEW | change)) == pointers
    assert (await admin.get("/api/v1/apps", params={"status": "draft"})).json()["items"] == []


async def test_one_of_package_name_and_store_url_is_required(admin: Any) -> None:
    assert faults(await admin.post("/api/v1/apps", json={"name": "Reader", "points": 1})) == ["/package_name"]
    assert faults(await admin.post("/api/v1/apps", json={"package_name": "org.example.Reader"})) == ["/name", "/points"]


async def test_of_fifty_who_add_the_same_package_at_once_one_succeeds(admin: Any, as_user: Any) -> None:
    others = [as_user("admin") for _ in range(50)]
    answers = await asyncio.gather(*(client.post("/api/v1/apps", json=NEW) for client in others))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 49
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"package-exists"}
    assert len((await admin.get("/api/v1/apps", params={"status": "draft"})).json()["items"]) == 1


async def test_a_change_touches_only_what_is_sent(admin: Any, add_app: Any) -> None:
    app = await add_app(summary="Reads", category="games", subcategory="puzzle", max_completions=5)
    path = f"/api/v1/apps/{app['id']}"
    etag = (await admin.get(path)).headers["ETag"]
    changed = await admin.patch(path, json={"points": 300, "max_completions": None}, headers={"If-Match": etag})
    assert changed.status_code == 200
    expected = app | {"points": 300, "max_completions": None, "updated_at": changed.json()["updated_at"]}
    assert changed.json() == expected
    assert changed.json()["updated_at"] > app["updated_at"]
    read = await admin.get(path)
    assert (read.json(), read.headers["ETag"]) == (expected, changed.headers["ETag"])
    assert read.headers["ETag"] != etag


@pytest.mark.parametrize(
    ("patch", "status", "pair"),
    [
        ({"category": "tools"}, 200, ("tools", None)),
        ({"category": "tools", "subcategory": "keyboards"}, 200, ("tools", "keyboards")),
        ({"category": "games"}, 200, ("games", "puzzle")),
        ({"subcategory": "action"}, 200, ("games", "action")),
        ({"subcategory": None}, 200, ("games", None)),
        ({"subcategory": "keyboards"}, 422, ("games", "puzzle")),
        ({"category": "tools", "subcategory": "puzzle"}, 422, ("games", "puzzle")),
    ],
)
async def test_a_subcategory_belongs_to_its_category(
    admin: Any, add_app: Any, patch: dict[str, Any], status: int, pair: tuple[str, str | None]
) -> None:
    path = f"/api/v1/apps/{(await add_app(category='games', subcategory='puzzle'))['id']}"
    assert (await admin.patch(path, json=patch, headers={"If-Match": "*"})).status_code == status
    app = (await admin.get(path)).json()
    assert (app["category"], app["subcategory"]) == pair


@pytest.mark.parametrize(
    "patch",
    [
        {"name": None},
        {"name": " "},
        {"summary": None},
        {"points": None},
        {"points": 0},
        {"category": None},
        {"category": "puzzle"},
        {"package_name": "org.example.Other"},
        {"status": "published"},
    ],
)
async def test_a_change_that_breaks_a_rule_changes_nothing(admin: Any, add_app: Any, patch: dict[str, Any]) -> None:
    app = await add_app()
    path = f"/api/v1/apps/{app['id']}"
    answer = await admin.patch(path, json={"summary": "new"} | patch, headers={"If-Match": "*"})
    assert faults(answer) == [f"/{name}" for name in patch]
    assert (await admin.get(path)).json() == app


@pytest.mark.parametrize("patch", [{}, {"points": 250}, {"category": "other", "name": " Reader "}])
async def test_a_change_to_what_is_so_already_is_none(admin: Any, add_app: Any, patch: dict[str, Any]) -> None:
    app = await add_app()
    answer = await admin.patch(f"/api/v1/apps/{app['id']}", json=patch, headers={"If-Match": "*"})
    assert (answer.status_code, answer.json()) == (200, app)


async def test_a_change_needs_the_present_version(admin: Any, add_app: Any) -> None:
    path = f"/api/v1/apps/{(await add_app())['id']}"
    etag = (await admin.get(path)).headers["ETag"]
    missing = await admin.patch(path, json={"points": 1})
    assert (missing.status_code, missing.json()["code"]) == (428, "precondition-required")
    for stale in ('"other"', f"W/{etag}", etag.strip('"')):
        refused = await admin.patch(path, json={"points": 1}, headers={"If-Match": stale})
        assert (refused.status_code, refused.json()["code"]) == (412, "precondition-failed")
    listed = await admin.patch(path, json={"points": 1}, headers={"If-Match": f'"other", {etag}'})
    assert listed.status_code == 200


async def test_of_twenty_who_change_the_same_version_at_once_one_succeeds(as_user: Any, add_app: Any) -> None:
    path = f"/api/v1/apps/{(await add_app())['id']}"
    others = [as_user("admin") for _ in range(20)]
    etag = (await others[0].get(path)).headers["ETag"]
    answers = await asyncio.gather(
        *(
            client.patch(path, json={"points": 1000 + number}, headers={"If-Match": etag})
            for number, client in enumerate(others)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 19
    winner = next(answer for answer in answers if answer.status_code == 200)
    assert (await others[0].get(path)).json() == winner.json()


async def test_no_change_is_lost_when_all_read_again_after_412(as_user: Any, add_app: Any) -> None:
    path = f"/api/v1/apps/{(await add_app(points=1))['id']}"

    async def add_one(client: Any) -> None:
        answer = None
        while answer is None or answer.status_code == 412:
            seen = await client.get(path)
            sent = {"points": seen.json()["points"] + 1}
            answer = await client.patch(path, json=sent, headers={"If-Match": seen.headers["ETag"]})
        assert answer.status_code == 200

    others = [as_user("admin") for _ in range(8)]
    await asyncio.gather(*(add_one(client) for client in others))
    assert (await others[0].get(path)).json()["points"] == 9


async def test_every_price_is_kept_with_who_and_when(as_user: Any, database_url: str) -> None:
    first, second = as_user("admin"), as_user("admin")
    path = (await first.post("/api/v1/apps", json=NEW)).headers["Location"]
    for client, patch in (
        (second, {"points": 300}),
        (second, {"points": 300}),
        (first, {"name": "Reader 2"}),
        (first, {"points": 0}),
        (first, {"points": 250}),
    ):
        await client.patch(path, json=patch, headers={"If-Match": "*"})
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch("SELECT * FROM app_price ORDER BY changed_at")
        makers = await connection.fetchrow("SELECT created_by, changed_by FROM app")
    finally:
        await connection.close()
    assert [row["points"] for row in rows] == [250, 300, 250]
    one, other = rows[0]["changed_by"], rows[1]["changed_by"]
    assert one != other
    assert rows[2]["changed_by"] == one
    assert tuple(makers) == (one, one)
