"""A forgotten password, through the pages."""

import pytest
from api_for_pages import MAIL_TOKEN, FakeApi, failure
from plain_browser import Browser, Page

pytestmark = pytest.mark.integration
RESET = "/reset-password"
NEW = "another long password"


async def test_from_the_sign_in_page_to_the_new_password(browser: Browser, api: FakeApi) -> None:
    assert "Forgot your password?" in (await browser.page("/login")).text
    sent = await browser.submit("/forgot-password", "/forgot-password", email="ada@example.org")
    assert "Look into your mail" in (await browser.follow(sent)).text
    done = await browser.submit(f"{RESET}?token={MAIL_TOKEN}", RESET, password=NEW)
    assert "Your new password is set." in (await browser.follow(done)).text
    assert api.seen["POST /api/v1/auth/password/reset"] == 1


async def test_an_unknown_address_is_told_the_same(browser: Browser) -> None:
    pages = set()
    for email in ("ada@example.org", "nobody@example.org"):
        sent = await browser.submit("/forgot-password", "/forgot-password", email=email)
        pages.add((await browser.follow(sent)).text)
    assert len(pages) == 1


async def test_a_spent_link_says_what_to_do(browser: Browser) -> None:
    answer = await browser.submit(f"{RESET}?token=old", RESET, password=NEW)
    assert answer.status_code == 410
    assert "Ask for a new link" in Page(answer.text).text
    assert "Ask for a new link" in (await browser.page(RESET)).text


async def test_a_weak_password_keeps_the_link_and_is_not_shown_again(browser: Browser) -> None:
    answer = await browser.submit(f"{RESET}?token={MAIL_TOKEN}", RESET, password="too short")
    page = Page(answer.text)
    assert answer.status_code == 422
    assert page.form(RESET).fields["token"] == MAIL_TOKEN
    assert page.form(RESET).fields["password"] == ""
    assert "too short" not in answer.text


async def test_too_many_tries_are_told(browser: Browser, api: FakeApi) -> None:
    api.fail("POST", "/api/v1/auth/password/forgot", failure(429, "too-many-requests", "Too many requests"))
    answer = await browser.submit("/forgot-password", "/forgot-password", email="ada@example.org")
    assert answer.status_code == 429
