"""People, the ledger, categories, imports and the logs."""

import pytest
from api_for_pages import PNG, FakeApi
from fake_admin import transaction
from fake_state import time_of
from plain_browser import Browser, Page

pytestmark = pytest.mark.integration


async def test_people_are_found_and_get_roles(admin: Browser, api: FakeApi) -> None:
    ada = api.users["ada@example.org"]
    found = await admin.page("/admin/users?q=ada%40")
    assert "ada@example.org" in found.text
    assert "rea@example.org" not in found.text
    path = f"/admin/users/{ada['id']}"
    form = (await admin.page(path)).form(path)
    sent = {"csrf_token": form.fields["csrf_token"], "etag": form.fields["etag"], "role-reviewer": "yes"}
    assert "The account is saved." in (await admin.follow(await admin.post(path, sent))).text
    assert ada["roles"] == ["user", "reviewer"]
    stale = await admin.post(path, {**sent, "disabled": "yes"})
    assert stale.status_code == 412
    assert "Somebody changed this" in Page(stale.text).text
    assert not ada["disabled"]


async def test_somebody_is_signed_out_everywhere(admin: Browser, ada: Browser, api: FakeApi) -> None:
    path = f"/admin/users/{api.users['ada@example.org']['id']}"
    api.refresh.clear()
    await admin.follow(await admin.submit(path, f"{path}/sessions"))
    assert (await ada.get("/tasks")).headers["location"].startswith("/login")


async def test_points_are_given_and_taken_back(admin: Browser, api: FakeApi) -> None:
    ada = api.users["ada@example.org"]["id"]
    path = f"/admin/points?user_id={ada}"
    booked = await admin.follow(await admin.submit(path, "/admin/points", points="-1200", reason="A slip"))
    assert "The points are booked." in booked.text
    assert "\N{MINUS SIGN}1,200" in booked.text
    one = f"/admin/points/{api.transactions[0]['id']}"
    undone = await admin.follow(await admin.submit(one, f"{one}/reverse", reason="It was none"))
    assert "Takes back" in undone.text
    assert "Take this back" not in (await admin.page(one)).text


async def test_what_is_no_number_is_told_at_the_field(admin: Browser) -> None:
    answer = await admin.submit("/admin/points", "/admin/points", user_id="x", points="many", reason="r")
    page = Page(answer.text)
    assert answer.status_code == 422
    assert "A whole number is needed." in page.text
    assert page.form("/admin/points").fields["points"] == "many"


async def test_taking_back_twice_is_refused(admin: Browser, api: FakeApi) -> None:
    api.transactions.append(transaction(api.users["ada@example.org"]["id"], 5))
    one = f"/admin/points/{api.transactions[0]['id']}"
    form = (await admin.page(one)).form(f"{one}/reverse")
    first = await admin.post(form.action, {**form.fields, "reason": "r"})
    again = await admin.post(form.action, {**form.fields, "reason": "r", "idempotency_key": "another"})
    assert (first.status_code, again.status_code) == (303, 409)


async def test_the_ledger_is_verified(admin: Browser) -> None:
    page = await admin.page("/admin/points/verify")
    assert "Every rule holds" in page.text
    assert "1,203" in page.text


async def test_categories(admin: Browser, api: FakeApi) -> None:
    added = await admin.submit("/admin/categories", "/admin/categories", name="Travel", slug="travel")
    assert "Travel" in (await admin.follow(added)).text
    taken = await admin.submit("/admin/categories", "/admin/categories", name="Other one", slug="travel")
    assert taken.status_code == 409
    path = f"/admin/categories/{api.categories[-1]['id']}"
    form = (await admin.page(path)).form(path)
    api.categories[-1]["name"] = "Trips"
    stale = Page((await admin.post(path, {**form.fields, "name": "Journeys"})).text)
    assert "Now in the catalogue: Trips" in stale.text
    assert (await admin.post(path, stale.form(path).fields)).status_code == 303
    assert api.categories[-1]["name"] == "Journeys"
    await admin.follow(await admin.submit(path, f"{path}/remove"))
    assert all(one["slug"] != "travel" for one in api.categories)


async def test_a_file_is_tried_then_read_with_a_line_for_each_row_left_out(admin: Browser) -> None:
    form = (await admin.page("/admin/imports")).form("/admin/imports")
    sent = {"csrf_token": form.fields["csrf_token"], "format": "csv", "dry_run": "yes"}
    files = {"file": ("apps.csv", b"package_name\norg.example.reader\nnonsense\n", "text/csv")}
    page = await admin.follow(await admin.post("/admin/imports", sent, files=files))
    assert "This was a trial" in page.text
    assert "not a package name" in page.text
    assert "nonsense" in page.text
    missing = await admin.post("/admin/imports", sent, files={"other": ("a", b"", "text/csv")})
    assert missing.status_code == 422
    assert "Choose a file" in Page(missing.text).text


async def test_icons_and_languages(admin: Browser, api: FakeApi) -> None:
    app = api.add_app("Reader")
    path = f"/admin/apps/{app['id']}"
    token = (await admin.page(path)).form(f"{path}/icon").fields
    answer = await admin.post(f"{path}/icon", token, files={"file": ("a.png", PNG, "image/png")})
    assert "The app has a new icon." in (await admin.follow(answer)).text
    refused = await admin.post(f"{path}/icon", token, files={"file": ("a.png", b"no", "image/png")})
    assert refused.status_code == 415
    texts = {"language": "de", "translated_name": "Leser"}
    assert "Leser" in (await admin.follow(await admin.submit(path, f"{path}/translations", **texts))).text
    wrong = await admin.submit(path, f"{path}/translations", language="../x", translated_name="Leser")
    assert wrong.status_code == 422
    assert "A language tag is needed" in Page(wrong.text).text


async def test_the_limits_of_an_app_are_kept(admin: Browser, api: FakeApi) -> None:
    app = api.add_app("Reader")
    path = f"/admin/apps/{app['id']}"
    window = {"available_from": "2026-11-21T09:30", "max_completions_per_day": "50", "more_categories": "tools, other"}
    await admin.follow(await admin.submit(path, path, **window))
    assert app["available_from"] == "2026-11-21T09:30:00Z"
    assert (app["max_completions_per_day"], app["more_categories"]) == (50, ["tools", "other"])


async def test_the_logs_tell_who_did_what(admin: Browser, api: FakeApi) -> None:
    ada = api.users["ada@example.org"]["id"]
    api.add_app("Reader")
    api.events.append({"kind": "login.refused", "user_id": ada, "actor_id": None, "details": {"cause": "password"},
                       "created_at": time_of()})  # fmt: skip
    assert "password" in (await admin.page("/admin/audit?kind=login.refused")).text
    assert "Nothing to see yet" in (await admin.page("/admin/audit?kind=user.enabled")).text
    assert "Other" in (await admin.page("/admin/audit/catalog")).text
