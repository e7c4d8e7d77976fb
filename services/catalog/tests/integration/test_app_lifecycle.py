"""Draft, published, archived: what each state shows to whom, and which steps there are."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

pytestmark = pytest.mark.integration

NEW = {"package_name": "org.example.Reader", "name": "Reader", "points": 250}


async def test_a_new_app_is_a_draft_with_defaults_and_an_address(admin: httpx.AsyncClient) -> None:
    created = await admin.post("/api/v1/apps", json=NEW)
    assert created.status_code == 201
    body = created.json()
    assert created.headers["Location"] == f"/api/v1/apps/{body['id']}"
    age = datetime.now().astimezone() - datetime.fromisoformat(body["created_at"])
    assert timedelta(seconds=-5) < age < timedelta(minutes=1)
    assert body == {
        "id": body["id"],
        "package_name": "org.example.Reader",
        "name": "Reader",
        "summary": "",
        "description": "",
        "store_url": "https://play.google.com/store/apps/details?id=org.example.Reader",
        "icon_url": None,
        "category": "other",
        "subcategory": None,
        "points": 250,
        "status": "draft",
        "max_completions": None,
        "created_at": body["created_at"],
        "updated_at": body["created_at"],
        "max_completions_per_day": None,
        "available_from": None,
        "available_until": None,
        "more_categories": [],
        "locale": "en",
    }
    assert body["created_at"].endswith("Z")
    read = await admin.get(created.headers["Location"])
    assert (read.json(), read.headers["ETag"]) == (body, created.headers["ETag"])


async def test_a_draft_is_there_for_administrators_only(admin: Any, anyone: Any, as_user: Any, add_app: Any) -> None:
    app = await add_app(publish=False)
    for path in (f"/api/v1/apps/{app['id']}", "/api/v1/apps/by-package/org.example.Reader"):
        assert (await admin.get(path)).json() == app
        for client in (anyone, as_user("user"), as_user("reviewer")):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
            assert "no-store" in answer.headers["Cache-Control"]
    assert (await admin.get("/api/v1/apps")).json()["items"] == []
    assert (await admin.get("/api/v1/apps", params={"status": "draft"})).json()["items"] == [app]


async def test_publishing_shows_the_app_to_everybody_and_twice_is_harmless(
    admin: Any, anyone: Any, add_app: Any
) -> None:
    app = await add_app(publish=False)
    published = await admin.post(f"/api/v1/apps/{app['id']}/publish")
    assert published.json() == app | {"status": "published", "updated_at": published.json()["updated_at"]}
    assert published.json()["updated_at"] > app["updated_at"]
    again = await admin.post(f"/api/v1/apps/{app['id']}/publish")
    assert (again.status_code, again.json()) == (200, published.json())
    assert again.headers["ETag"] == published.headers["ETag"]
    assert (await anyone.get(f"/api/v1/apps/{app['id']}")).json() == published.json()
    assert (await anyone.get("/api/v1/apps")).json() == {"items": [published.json()], "next_cursor": None}


async def test_an_archived_app_leaves_the_list_and_still_answers(admin: Any, anyone: Any, add_app: Any) -> None:
    app = await add_app()
    archived = await admin.post(f"/api/v1/apps/{app['id']}/archive")
    assert (archived.status_code, archived.json()["status"]) == (200, "archived")
    again = await admin.post(f"/api/v1/apps/{app['id']}/archive")
    assert (again.status_code, again.json()) == (200, archived.json())
    for path in (f"/api/v1/apps/{app['id']}", "/api/v1/apps/by-package/org.example.Reader"):
        answer = await anyone.get(path)
        assert (answer.status_code, answer.json()) == (200, archived.json())
    assert (await anyone.get("/api/v1/apps")).json()["items"] == []
    assert (await admin.get("/api/v1/apps", params={"status": "archived"})).json()["items"] == [archived.json()]


async def test_an_archived_app_never_comes_back(admin: Any, add_app: Any) -> None:
    app = await add_app()
    await admin.post(f"/api/v1/apps/{app['id']}/archive")
    published = await admin.post(f"/api/v1/apps/{app['id']}/publish")
    assert (published.status_code, published.json()["code"]) == (409, "app-archived")
    created = await admin.post("/api/v1/apps", json=NEW)
    assert (created.status_code, created.json()["code"]) == (409, "package-exists")


@pytest.mark.parametrize("publish", [False, True])
async def test_delete_archives(admin: Any, add_app: Any, publish: bool) -> None:
    path = f"/api/v1/apps/{(await add_app(publish=publish))['id']}"
    assert (await admin.delete(path)).status_code == 428
    assert (await admin.delete(path, headers={"If-Match": '"stale"'})).status_code == 412
    etag = (await admin.get(path)).headers["ETag"]
    deleted = await admin.delete(path, headers={"If-Match": etag})
    assert (deleted.status_code, deleted.content) == (204, b"")
    read = await admin.get(path)
    assert read.json()["status"] == "archived"
    assert (await admin.delete(path, headers={"If-Match": etag})).status_code == 412
    assert (await admin.delete(path, headers={"If-Match": read.headers["ETag"]})).status_code == 204


async def test_publish_and_archive_heed_an_if_match_that_is_sent(admin: Any, add_app: Any) -> None:
    path = f"/api/v1/apps/{(await add_app(publish=False))['id']}"
    for step in ("publish", "archive"):
        assert (await admin.post(f"{path}/{step}", headers={"If-Match": '"stale"'})).status_code == 412
        etag = (await admin.get(path)).headers["ETag"]
        assert (await admin.post(f"{path}/{step}", headers={"If-Match": etag})).status_code == 200


async def test_what_does_not_exist_is_not_found(admin: Any) -> None:
    path = f"/api/v1/apps/{uuid4()}"
    answers = [
        await admin.get(path),
        await admin.patch(path, json={"points": 1}, headers={"If-Match": "*"}),
        await admin.delete(path, headers={"If-Match": "*"}),
        await admin.post(f"{path}/publish"),
        await admin.post(f"{path}/archive"),
        await admin.get("/api/v1/apps/by-package/org.example.Nothing"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 6


@pytest.mark.parametrize("roles", [(None,), (), ("user",), ("reviewer",), ("user", "reviewer")])
async def test_only_administrators_change_the_catalogue(as_user: Any, admin: Any, add_app: Any, roles: Any) -> None:
    app = await add_app()
    path, client = f"/api/v1/apps/{app['id']}", as_user(*roles)
    answers = [
        await client.post("/api/v1/apps", json=NEW | {"package_name": "org.example.other"}),
        await client.patch(path, json={"points": 1}, headers={"If-Match": "*"}),
        await client.delete(path, headers={"If-Match": "*"}),
        await client.post(f"{path}/publish"),
        await client.post(f"{path}/archive"),
        await client.get("/api/v1/apps", params={"status": "published"}),
    ]
    expected = 401 if roles == (None,) else 403
    assert [answer.status_code for answer in answers] == [expected] * 6
    assert all("www-authenticate" in answer.headers for answer in answers) == (expected == 401)
    assert (await admin.get("/api/v1/apps")).json()["items"] == [app]


@pytest.mark.parametrize(
    ("name", "allowed"), [("changes", "GET, HEAD"), ("audit-events", "GET, HEAD"), ("import", "POST")]
)
async def test_the_names_beside_the_ids_are_no_ids(admin: Any, name: str, allowed: str) -> None:
    for method in ("PATCH", "DELETE", "OPTIONS"):
        answer = await admin.request(method, f"/api/v1/apps/{name}")
        assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
    assert (await admin.get("/api/v1/apps/changed")).status_code == 422
