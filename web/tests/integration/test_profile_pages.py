"""Name, password, places, and the end of the account."""

import pytest
from api_for_pages import PASSWORD, FakeApi
from plain_browser import Browser, Page

from web.devices import device_words

pytestmark = pytest.mark.integration
FIREFOX = "Mozilla/5.0 (Android 16; Mobile; rv:150.0) Gecko/150.0 Firefox/150.0"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Safari/537.36"


async def test_another_name_is_shown_at_once(ada: Browser) -> None:
    answer = await ada.submit("/profile", "/profile/name", name="Ada King")
    assert "Ada King" in (await ada.follow(answer)).text
    refused = await ada.submit("/profile", "/profile/name", name="")
    assert refused.status_code == 422
    assert "A name is needed." in Page(refused.text).text


async def test_another_password_needs_the_present_one(ada: Browser, api: FakeApi) -> None:
    new = "another long password"
    wrong = await ada.submit("/profile", "/profile/password", current_password="no", new_password=new)
    assert (wrong.status_code, "The password is wrong." in wrong.text) == (422, True)
    assert api.seen["PUT /api/v1/users/me/password"] == 1
    weak = await ada.submit("/profile", "/profile/password", current_password=PASSWORD, new_password="short")
    page = Page(weak.text)
    invalid = [tag.attributes["name"] for tag in page.tags if tag.attributes.get("aria-invalid") == "true"]
    assert (weak.status_code, invalid) == (422, ["new_password"])
    assert "At least 12 characters" in page.text
    done = await ada.submit("/profile", "/profile/password", current_password=PASSWORD, new_password=new)
    assert "Your password is changed." in (await ada.follow(done)).text


async def test_places_are_named_and_ended(ada: Browser, api: FakeApi) -> None:
    api.add_place(CHROME, current=True)
    api.add_place(FIREFOX)
    api.add_place("curl/9")
    page = await ada.page("/profile")
    for words in ("Chrome on Linux", "This one", "Firefox on Android", "curl/9", "203.0.113.7"):
        assert words in page.text
    ended = api.places[1]["id"]
    answer = await ada.submit("/profile", f"/profile/sessions/{ended}/end")
    assert "Firefox on Android" not in (await ada.follow(answer)).text
    again = await ada.post(f"/profile/sessions/{ended}/end", page.form("/logout").fields)
    assert again.status_code == 303
    await ada.submit("/profile", "/profile/sessions/end-others")
    assert [place["current"] for place in api.places] == [True]


def test_browsers_are_known_by_their_names() -> None:
    edge = CHROME + " Edg/146.0"
    assert [device_words(agent) for agent in (edge, FIREFOX, "", None, "x" * 300)] == [
        "Edge on Linux", "Firefox on Android", "Unknown device", "Unknown device", "x" * 60,
    ]  # fmt: skip


async def test_an_account_is_deleted_when_it_is_meant(ada: Browser, api: FakeApi) -> None:
    unsure = await ada.submit("/profile/delete", "/profile/delete")
    assert (unsure.status_code, "Tick the box" in unsure.text) == (422, True)
    assert "ada@example.org" in api.users
    gone = await ada.submit("/profile/delete", "/profile/delete", sure="yes")
    assert "Your account is deleted." in (await ada.follow(gone)).text
    assert "ada@example.org" not in api.users
    assert ada.cookie is None


async def test_the_last_administrator_stays(admin: Browser, api: FakeApi) -> None:
    answer = await admin.submit("/profile/delete", "/profile/delete", sure="yes")
    assert (answer.status_code, "last administrator" in answer.text) == (409, True)
    assert "adam@example.org" in api.users


async def test_who_is_not_verified_is_told_how(ada: Browser, api: FakeApi) -> None:
    api.users["ada@example.org"]["email_verified"] = False
    assert "Not confirmed" in (await ada.page("/profile")).text
