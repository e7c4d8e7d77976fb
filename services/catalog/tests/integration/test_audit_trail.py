"""The audit: everything that administrators did, for administrators."""

from typing import Any
from uuid import uuid4

import pytest

pytestmark = pytest.mark.integration

ANY = {"If-Match": "*"}
ALL = "/api/v1/apps/audit-events"
CSV = b"package_name,name\norg.example.imported,Imported\n"


async def everything(admin: Any, limit: int = 200) -> list[Any]:
    seen, query = [], {"limit": limit}
    while True:
        page = (await admin.get(ALL, params=query)).json()
        seen += page["items"]
        if page["next_cursor"] is None:
            return seen
        query["cursor"] = page["next_cursor"]


async def test_a_category_keeps_its_history_beyond_its_end(admin: Any) -> None:
    path = (await admin.post("/api/v1/categories", json={"slug": "radio", "name": "Radio"})).headers["Location"]
    await admin.patch(path, json={"name": "Radios"}, headers=ANY)
    await admin.patch(path, json={"name": "Radios"}, headers=ANY)
    await admin.delete(path, headers=ANY)
    events = (await admin.get(f"{path}/audit-events")).json()["items"]
    assert [(event["action"], event["fields"].get("name")) for event in events] == [
        ("delete-category", ["Radios", None]),
        ("change-category", ["Radio", "Radios"]),
        ("create-category", [None, "Radio"]),
    ]
    seeded = (await admin.get("/api/v1/categories")).json()["items"][0]["id"]
    assert (await admin.get(f"/api/v1/categories/{seeded}/audit-events")).json()["items"] == []
    assert (await admin.get(f"/api/v1/categories/{uuid4()}/audit-events")).status_code == 404


async def test_the_whole_catalogue_has_one_history(admin: Any, as_user: Any, app: Any, add_app: Any) -> None:
    added = await add_app(publish=False)
    category = (await admin.post("/api/v1/categories", json={"slug": "radio", "name": "Radio"})).json()
    other = as_user("admin")
    await other.post(f"/api/v1/apps/{added['id']}/publish")
    started = (await other.post("/api/v1/apps/import", params={"format": "csv"}, content=CSV)).json()
    await app.state.imports.wait()
    for query in ({"format": "csv"}, {"format": "csv", "dry_run": True}):  # which change nothing
        await other.post("/api/v1/apps/import", params=query, content=CSV)
        await app.state.imports.wait()
    imported = (await admin.get("/api/v1/apps/by-package/org.example.imported")).json()
    events = await everything(admin)
    assert [(event["action"], event["subject_id"]) for event in events] == [
        ("run-import", started["id"]),
        ("import", imported["id"]),
        ("publish", added["id"]),
        ("create-category", category["id"]),
        ("create", added["id"]),
    ]
    assert events[0]["fields"] == {"format": [None, "csv"], "created": [0, 1], "updated": [0, 0]}
    assert events[0]["changed_by"] == started["created_by"] == events[2]["changed_by"] != events[3]["changed_by"]
    assert await everything(admin, limit=2) == events
    await admin.delete(f"/api/v1/categories/{category['id']}", headers=ANY)


async def test_the_audit_is_for_administrators(as_user: Any, add_app: Any) -> None:
    app = await add_app()
    paths = (ALL, f"/api/v1/apps/{app['id']}/audit-events", f"/api/v1/categories/{app['id']}/audit-events")
    for client, status in ((as_user(None), 401), (as_user("user", "reviewer"), 403)):
        assert [(await client.get(path)).status_code for path in paths] == [status] * 3
