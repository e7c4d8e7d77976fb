"""Register, verify, sign in and out through the pages."""

import pytest
from api_for_pages import MAIL_TOKEN, PASSWORD, FakeApi, failure
from plain_browser import Browser, Page

pytestmark = pytest.mark.integration


async def test_from_registration_to_the_first_sign_in(browser: Browser) -> None:
    sent = await browser.submit("/register", "/register", name="Bea", email="bea@example.org", password=PASSWORD)
    assert "Look into your mail" in (await browser.follow(sent)).text
    verified = await browser.submit(f"/verify-email?token={MAIL_TOKEN}", "/verify-email")
    assert "Your e-mail address is confirmed." in (await browser.follow(verified)).text
    await browser.sign_in("bea@example.org")
    assert "Bea" in (await browser.page("/apps")).text


async def test_what_was_typed_stays_and_faults_stand_beside_their_fields(browser: Browser) -> None:
    answer = await browser.submit("/register", "/register", name="Bea", email="bea@example.org", password="too short")
    page = Page(answer.text)
    assert answer.status_code == 422
    assert "At least 12 characters are needed." in page.text
    assert page.form("/register").fields["name"] == "Bea"
    assert page.form("/register").fields["password"] == ""
    assert "too short" not in answer.text
    invalid = [tag.attributes["name"] for tag in page.tags if tag.attributes.get("aria-invalid") == "true"]
    assert invalid == ["password"]


async def test_opening_the_link_of_the_mail_spends_nothing(browser: Browser, api: FakeApi) -> None:
    await browser.page(f"/verify-email?token={MAIL_TOKEN}")
    assert api.seen["POST /api/v1/auth/verify-email"] == 0


async def test_a_spent_link_says_what_to_do(browser: Browser) -> None:
    answer = await browser.submit("/verify-email?token=old", "/verify-email")
    assert answer.status_code == 410
    assert "Register again" in Page(answer.text).text
    assert "Register again" in (await browser.page("/verify-email")).text


async def test_a_wrong_password_has_the_words_of_an_unknown_address(browser: Browser) -> None:
    texts = set()
    for email in ("ada@example.org", "nobody@example.org"):
        answer = await browser.submit("/login", "/login", email=email, password="not the password")
        assert answer.status_code == 401
        assert Page(answer.text).form("/login").fields["email"] == email
        texts.add(Page(answer.text).text)
    assert len(texts) == 1
    assert "The e-mail address or the password is wrong." in texts.pop()


async def test_passwords_are_masked_and_can_be_pasted_and_filled_in(browser: Browser) -> None:
    for path, purpose in (
        ("/login", "current-password"),
        ("/register", "new-password"),
        (f"/reset-password?token={MAIL_TOKEN}", "new-password"),
    ):
        page = await browser.page(path)
        (field,) = [tag.attributes for tag in page.tags if tag.attributes.get("name") == "password"]
        assert (field["type"], field["autocomplete"]) == ("password", purpose)
        assert not [name for name in field if name.startswith("on")]


async def test_too_many_tries_are_told(browser: Browser, api: FakeApi) -> None:
    api.fail("POST", "/api/v1/auth/login", failure(429, "too-many-requests", "Too many requests"))
    answer = await browser.submit("/login", "/login", email="ada@example.org", password=PASSWORD)
    assert answer.status_code == 429
    assert "Wait a moment" in Page(answer.text).text


async def test_signing_out_ends_the_session_here_and_in_the_api(ada: Browser, api: FakeApi) -> None:
    answer = await ada.submit("/apps", "/logout")
    assert answer.headers["location"] == "/?notice=signed-out"
    assert api.access == {}
    assert ada.cookie is None
    assert (await ada.get("/points")).status_code == 303


async def test_signing_out_works_while_the_api_is_away(ada: Browser, api: FakeApi) -> None:
    api.fail("POST", "/api/v1/auth/logout", failure(503, "unavailable", "Not available"))
    assert (await ada.submit("/apps", "/logout")).status_code == 303
    assert (await ada.get("/points")).status_code == 303


async def test_the_first_page_is_for_who_is_signed_out(browser: Browser, ada: Browser) -> None:
    assert "Try apps, earn points" in (await browser.page("/")).text
    assert (await ada.get("/")).headers["location"] == "/apps"
    assert (await ada.get("/login?next=/points")).headers["location"] == "/points"
