"""The administrator's apps: from a link to the archive."""

import pytest
from api_for_pages import FakeApi
from plain_browser import Browser, Page

pytestmark = pytest.mark.integration


async def test_a_play_store_link_becomes_a_published_app(admin: Browser, browser: Browser, api: FakeApi) -> None:
    link = "https://play.google.com/store/apps/details?id=org.example.Reader&hl=en"
    added = await admin.submit(
        "/admin/apps/new", "/admin/apps/new", package_name=link, name="Reader", points="250", category="tools/keyboards"
    )
    page = await admin.follow(added)
    assert "org.example.Reader" in page.text
    app = next(iter(api.apps.values()))
    assert (app["points"], app["category"], app["subcategory"]) == (250, "tools", "keyboards")
    assert "Reader" in (await admin.page("/admin/apps?status=draft")).text
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
