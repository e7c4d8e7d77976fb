"""Signing in with a code, the device's own token, and the second factor in the profile."""

import re

import pytest
from api_for_pages import CODE, PASSWORD, RECOVERY_CODES, FakeApi, failure
from fastapi import FastAPI
from plain_browser import Browser, Page
from redis.asyncio import Redis

pytestmark = pytest.mark.integration


@pytest.fixture
def protected(api: FakeApi) -> None:
    """Ada has a second factor."""
    api.users["ada@example.org"]["mfa_enabled"] = True


async def _password(browser: Browser, path: str = "/login") -> Page:
    answer = await browser.submit(path, "/login", email="ada@example.org", password=PASSWORD)
    assert answer.headers["location"] == "/login/code"
    return await browser.follow(answer)


@pytest.mark.usefixtures("protected")
@pytest.mark.parametrize("code", [CODE, f" {CODE} ", RECOVERY_CODES[0]])
async def test_a_code_or_a_recovery_code_comes_after_the_password(browser: Browser, code: str) -> None:
    page = await _password(browser, "/login?next=/tasks?status=approved")
    assert (await browser.get("/points")).status_code == 303  # not signed in by half
    answer = await browser.post("/login/code", {**page.form("/login/code").fields, "code": code})
    assert answer.headers["location"] == "/tasks?status=approved"
    await browser.page("/points")
    assert (await browser.get("/login/code")).headers["location"].startswith("/login?")  # spent


@pytest.mark.usefixtures("protected")
async def test_a_wrong_code_may_be_tried_again(browser: Browser) -> None:
    await _password(browser)
    answer = await browser.submit("/login/code", "/login/code", code="000000")
    assert answer.status_code == 401
    assert "The code is wrong" in Page(answer.text).text
    assert (await browser.submit("/login/code", "/login/code", code=CODE)).headers["location"] == "/"


@pytest.mark.usefixtures("protected")
async def test_what_is_between_the_two_steps_never_reaches_the_browser(browser: Browser, valkey: Redis) -> None:
    await browser.page("/login")
    planted = browser.cookie
    page = await _password(browser)
    assert "mfa-secret" not in page.html + str(browser.http.cookies)
    assert browser.cookie not in {None, planted}  # a cookie known to somebody else leads nowhere
    kept = [await valkey.get(key) for key in await valkey.keys("web:SignInStep:*")]
    assert kept
    assert all(b"mfa-secret" not in value for value in kept if value)


@pytest.mark.usefixtures("protected")
async def test_whoever_waits_too_long_begins_again(browser: Browser, valkey: Redis, api: FakeApi) -> None:
    page = await _password(browser)
    for key in await valkey.keys("web:SignInStep:*"):
        await valkey.delete(key)
    answer = await browser.post("/login/code", {**page.form("/login/code").fields, "code": CODE})
    assert "That took too long" in (await browser.follow(answer)).text
    await _password(browser)
    api.fail("POST", "/api/v1/auth/mfa", failure(401, "invalid-mfa-token", "Sign in again"))
    answer = await browser.submit("/login/code", "/login/code", code=CODE)
    assert "That took too long" in (await browser.follow(answer)).text


@pytest.mark.usefixtures("protected")
async def test_too_many_codes_are_told(browser: Browser, api: FakeApi) -> None:
    await _password(browser)
    api.fail("POST", "/api/v1/auth/mfa", failure(429, "too-many-tries", "Too many tries"))
    answer = await browser.submit("/login/code", "/login/code", code=CODE)
    assert (answer.status_code, "Too many tries" in answer.text) == (429, True)


async def test_the_code_page_is_only_for_who_gave_a_password(browser: Browser) -> None:
    assert (await browser.get("/login/code")).headers["location"].startswith("/login?")


async def test_a_device_that_was_signed_in_says_so_the_next_time(app: FastAPI, api: FakeApi) -> None:
    browser = await Browser(app).sign_in()
    assert browser.http.cookies.get("__Host-device") == "device-token-of-ours"
    await browser.submit("/apps", "/logout")
    await browser.sign_in()
    assert api.device_tokens == [None, "device-token-of-ours"]


async def test_from_the_qr_code_to_the_recovery_codes(ada: Browser, api: FakeApi) -> None:
    setup = await ada.follow(await ada.submit("/profile", "/profile/totp", password=PASSWORD))
    assert "JBSWY3DPEHPK3PXP" in setup.text
    path = next(tag.attributes["d"] for tag in setup.tags if tag.name == "path" and len(tag.attributes["d"]) > 1000)
    assert re.fullmatch(r"(?:M\d+ \d+h\d+v1h-\d+z)+", path)
    wrong = await ada.submit("/profile/totp", "/profile/totp/confirm", code="000000")
    assert wrong.status_code == 422
    assert "JBSWY3DPEHPK3PXP" in Page(wrong.text).text  # nothing has to be scanned again
    done = Page((await ada.submit("/profile/totp", "/profile/totp/confirm", code=CODE)).text)
    assert all(code in done.text for code in RECOVERY_CODES)
    assert api.users["ada@example.org"]["mfa_enabled"]
    assert (await ada.get("/profile/totp")).headers["location"] == "/profile"
    removed = await ada.submit("/profile", "/profile/totp/remove", password=PASSWORD)
    assert "The second factor is off." in (await ada.follow(removed)).text


@pytest.mark.parametrize("path", ["/profile/totp", "/profile/totp/remove"])
async def test_a_wrong_password_changes_nothing_and_is_tried_once(ada: Browser, api: FakeApi, path: str) -> None:
    api.users["ada@example.org"]["mfa_enabled"] = path.endswith("remove")
    answer = await ada.submit("/profile", path, password="not the password")
    assert answer.status_code == 422
    assert "The password is wrong." in Page(answer.text).text
    assert api.users["ada@example.org"]["mfa_enabled"] == path.endswith("remove")
    asked = [count for call, count in api.seen.items() if "/me/totp" in call]
    assert asked == [1]  # the token is fine: no second try with a new one
    assert api.seen["POST /api/v1/auth/refresh"] == 0


async def test_confirming_without_a_proposal_leads_back(ada: Browser) -> None:
    fields = (await ada.page("/profile")).form("/logout").fields
    assert (await ada.post("/profile/totp/confirm", {**fields, "code": CODE})).headers["location"] == "/profile"
