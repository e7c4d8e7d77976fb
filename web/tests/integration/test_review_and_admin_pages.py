"""The reviewer's and the administrator's pages."""

from typing import Any

import pytest
from api_for_pages import FakeApi, failure
from plain_browser import Browser, Page

pytestmark = pytest.mark.integration


@pytest.fixture
def waiting(api: FakeApi) -> dict[str, Any]:
    """A task with a proof that waits."""
    task = api.add_task("ada@example.org", api.add_app("Reader", 250))
    api.add_proof(task)
    return task


async def test_an_empty_queue_says_so(reviewer: Browser) -> None:
    assert "Nothing waits" in (await reviewer.page("/review")).text


async def test_opening_reserves_and_shows_until_when(reviewer: Browser, api: FakeApi, waiting: dict[str, Any]) -> None:
    page = await reviewer.page("/review")
    assert f"/proofs/{waiting['proof_id']}/thumbnail" in page.html
    assert api.leases == {}
    opened = await reviewer.follow(await reviewer.submit("/review", f"/review/{waiting['id']}"))
    assert waiting["id"] in api.leases
    assert "Reserved for you until" in opened.text
    assert "3 approved, 1 rejected" in opened.text


async def test_a_task_that_another_reviewer_has_stays_in_the_queue(
    reviewer: Browser, api: FakeApi, waiting: dict[str, Any]
) -> None:
    api.fail("POST", f"/api/v1/reviews/{waiting['id']}/lease", failure(423, "leased", "Held"))
    answer = await reviewer.submit("/review", f"/review/{waiting['id']}")
    assert answer.status_code == 423
    assert "Another reviewer has this one open" in Page(answer.text).text


async def test_a_reject_gives_the_reason(reviewer: Browser, waiting: dict[str, Any]) -> None:
    path = f"/review/{waiting['id']}"
    verdict = {"decision": "reject", "reason_code": "wrong_app", "note": "A clock,\r\nnot a reader."}
    answer = await reviewer.submit(path, f"{path}/decision", **verdict)
    assert "Rejected." in (await reviewer.follow(answer)).text
    assert waiting["last_rejection"] == {"reason_code": "wrong_app", "note": "A clock,\nnot a reader."}


async def test_a_reject_without_its_note_keeps_what_was_chosen(reviewer: Browser, waiting: dict[str, Any]) -> None:
    path = f"/review/{waiting['id']}"
    answer = await reviewer.submit(path, f"{path}/decision", decision="reject", reason_code="other")
    page = Page(answer.text)
    assert answer.status_code == 422
    assert "Say in a few words what is wrong." in page.text
    assert page.form(f"{path}/decision").fields["reason_code"] == "other"


async def test_deciding_twice_changes_nothing(reviewer: Browser, api: FakeApi, waiting: dict[str, Any]) -> None:
    path = f"/review/{waiting['id']}"
    form = (await reviewer.page(path)).form(f"{path}/decision")
    click = {**form.fields, "decision": "approve"}
    assert [(await reviewer.post(form.action, click)).status_code for _ in range(2)] == [303, 303]
    assert len(api.entries) == 1
    late = await reviewer.post(form.action, {**click, "idempotency_key": "another"})
    assert late.status_code == 409
    assert "decided already" in Page(late.text).text
    assert (await reviewer.get(path)).status_code == 404


async def test_a_play_store_link_becomes_a_published_app(admin: Browser, browser: Browser, api: FakeApi) -> None:
    link = "https://play.google.com/store/apps/details?id=org.example.Reader&hl=en"
    added = await admin.submit(
        "/admin/apps/new", "/admin/apps/new", package_name=link, name="Reader", points="250", category="tools/keyboards"
    )
    page = await admin.follow(added)
    assert "org.example.Reader" in page.text
    app = next(iter(api.apps.values()))
    assert (app["points"], app["category"], app["subcategory"]) == (250, "tools", "keyboards")
    assert "Reader" in (await admin.page("/admin/apps")).text
    published = await admin.submit(f"/admin/apps/{app['id']}", f"/admin/apps/{app['id']}/publish")
    assert "The app is published." in (await admin.follow(published)).text
    assert "Reader" in (await browser.page("/apps")).text
    archived = await admin.submit(f"/admin/apps/{app['id']}", f"/admin/apps/{app['id']}/archive")
    assert "The app is archived." in (await admin.follow(archived)).text
    assert "Reader" not in (await browser.page("/apps")).text
    assert "Reader" in (await admin.page("/admin/apps?status=archived")).text


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"package_name": "https://example.org/", "points": "250"}, "package_name", "neither a Play Store link"),
        ({"package_name": "org.example.reader", "points": "many"}, "points", "A whole number is needed."),
        ({"package_name": "org.example.reader", "points": "2.5"}, "points", "A whole number is needed."),
        ({"package_name": "org.example.there", "points": "250"}, None, "This app is in the catalogue already"),
    ],
)
async def test_what_is_wrong_with_a_new_app_is_told_where_it_is(
    admin: Browser, api: FakeApi, typed: dict[str, str], field: str | None, words: str
) -> None:
    api.add_app("There", package_name="org.example.there")
    answer = await admin.submit("/admin/apps/new", "/admin/apps/new", name="Reader", **typed)
    page = Page(answer.text)
    assert answer.status_code in {409, 422}
    assert words in page.text
    assert page.form("/admin/apps/new").fields.items() >= {"name": "Reader", **typed}.items()
    invalid = [tag.attributes["name"] for tag in page.tags if tag.attributes.get("aria-invalid") == "true"]
    assert invalid == ([field] if field else [])


async def test_changing_an_app(admin: Browser, api: FakeApi) -> None:
    app = api.add_app("Reader", 250, category="tools", subcategory="keyboards")
    path = f"/admin/apps/{app['id']}"
    answer = await admin.submit(path, path, points="300", description="Line one\r\nLine two", max_completions="10")
    assert "Your changes are saved." in (await admin.follow(answer)).text
    assert (app["points"], app["description"], app["max_completions"]) == (300, "Line one\nLine two", 10)
    assert (app["category"], app["subcategory"]) == ("tools", "keyboards")
    await admin.submit(path, path, max_completions="")
    assert app["max_completions"] is None


async def test_a_change_over_somebody_elses_is_noticed_and_can_be_repeated(admin: Browser, api: FakeApi) -> None:
    app = api.add_app("Reader", 250)
    path = f"/admin/apps/{app['id']}"
    form = (await admin.page(path)).form(path)
    app.update(name="Reader Two", points=400)
    answer = await admin.post(path, {**form.fields, "points": "300"})
    page = Page(answer.text)
    assert answer.status_code == 412
    assert "Somebody changed this app since you opened it." in page.text
    assert "Now in the catalogue: 400" in page.text
    assert "Now in the catalogue: Reader Two" in page.text
    again = page.form(path)
    assert again.fields["points"] == "300"
    assert (await admin.post(path, again.fields)).status_code == 303
    assert (app["name"], app["points"]) == ("Reader", 300)


async def test_publishing_an_archived_app_is_refused_in_words(admin: Browser, api: FakeApi) -> None:
    app = api.add_app("Reader", status="draft")
    path = f"/admin/apps/{app['id']}"
    form = (await admin.page(path)).form(f"{path}/publish")
    app["status"] = "archived"
    answer = await admin.post(form.action, form.fields)
    assert answer.status_code == 409
    assert "taken out of the catalogue for good" in Page(answer.text).text
