"""Cookies, sessions and tokens: what the browser gets and what it never gets."""

import asyncio
import hashlib

import pytest
from api_for_pages import FakeApi, failure
from fastapi import FastAPI
from plain_browser import Browser, Page
from redis.asyncio import Redis

from servicekit.testing import running
from web.main import create_app
from web.settings import Settings

pytestmark = pytest.mark.integration
EVERY_PAGE = ("/apps", "/tasks", "/points", "/isins", "/review", "/admin/apps", "/admin/apps/new",
              "/isins/check", "/feeds", "/review/statistics", "/admin/users", "/admin/points", "/admin/points/verify",
              "/admin/categories", "/admin/imports", "/admin/audit", "/admin/audit/catalog")  # fmt: skip


def _key(cookie: str | None) -> str:
    assert cookie is not None
    return "web:session:" + hashlib.sha256(cookie.encode()).hexdigest()


async def test_the_cookie_is_for_this_host_https_and_no_script(browser: Browser) -> None:
    set_cookie = (await browser.get("/login")).headers["set-cookie"]
    assert set_cookie.startswith("__Host-appraise=")
    attributes = {part.strip().lower() for part in set_cookie.split(";")[1:]}
    assert {"secure", "httponly", "samesite=lax", "path=/"} <= attributes
    assert not any(attribute.startswith("domain") for attribute in attributes)


async def test_without_tls_the_cookie_has_another_name(api: FakeApi, settings: Settings) -> None:
    plain = settings.model_copy(update={"secure_cookies": False})
    async with running(create_app(plain, api_transport=api.transport)) as app:
        set_cookie = (await Browser(app).get("/login")).headers["set-cookie"]
    assert set_cookie.startswith("appraise=")
    assert "secure" not in set_cookie.lower()


async def test_pages_without_a_form_set_no_cookie(browser: Browser) -> None:
    assert "set-cookie" not in (await browser.get("/")).headers
    assert "set-cookie" not in (await browser.get("/apps")).headers


async def test_signing_in_gives_a_new_id_so_that_a_planted_one_is_worth_nothing(browser: Browser) -> None:
    await browser.page("/login")
    planted = browser.cookie
    await browser.sign_in()
    assert browser.cookie not in {None, planted}
    browser.http.cookies.set("__Host-appraise", planted or "", domain="appraise.test")
    assert (await browser.get("/points")).status_code == 303


async def test_no_token_ever_reaches_the_browser(app: FastAPI, api: FakeApi) -> None:
    api.users["ada@example.org"]["roles"] = ["user", "reviewer", "admin"]
    browser = await Browser(app).sign_in()
    for path in EVERY_PAGE:
        answer = await browser.get(path)
        assert answer.status_code == 200, path
        assert "secret-" not in answer.text + str(answer.headers) + str(browser.cookie)


async def test_what_valkey_holds_names_neither_the_cookie_nor_a_token(ada: Browser, valkey: Redis) -> None:
    stored = await valkey.get(_key(ada.cookie))
    assert stored is not None
    assert b"secret" not in stored
    assert b"Ada" not in stored
    assert await valkey.ttl(_key(ada.cookie)) > 6 * 86_400
    assert await valkey.exists(f"web:session:{ada.cookie}") == 0


async def test_a_session_copied_to_another_id_is_worth_nothing(ada: Browser, valkey: Redis) -> None:
    other = "x" * 43
    await valkey.set(_key(other), await valkey.get(_key(ada.cookie)), ex=60)
    ada.http.cookies.set("__Host-appraise", other, domain="appraise.test")
    assert (await ada.get("/points")).status_code == 303


async def test_an_empty_valkey_only_means_signing_in_again(ada: Browser, valkey: Redis) -> None:
    await valkey.delete(_key(ada.cookie))
    answer = await ada.get("/points?cursor=1")
    assert answer.headers["location"] == "/login?next=%2Fpoints%3Fcursor%3D1&notice=sign-in-needed"
    login = await ada.follow(answer)
    assert "Please sign in" in login.text
    assert login.form("/login").fields["next"] == "/points?cursor=1"


async def test_without_valkey_the_page_says_so(api: FakeApi, settings: Settings) -> None:
    away = settings.model_copy(update={"redis_url": type(settings.redis_url)("redis://127.0.0.1:1/0")})
    async with running(create_app(away, api_transport=api.transport)) as app:
        browser = Browser(app)
        browser.http.cookies.set("__Host-appraise", "x" * 43, domain="appraise.test")
        answer = await browser.get("/points")
        ready = await browser.get("/readyz")
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
    assert "Away for a moment" in Page(answer.text).text
    assert ready.status_code == 503
    assert ready.json()["checks"] == {"sessions": "failed", "api": "ok"}


async def test_a_refused_access_token_is_renewed_unseen(ada: Browser, api: FakeApi) -> None:
    api.access.clear()
    await ada.page("/points")
    assert api.seen["POST /api/v1/auth/refresh"] == 1
    await ada.page("/points")
    assert api.seen["POST /api/v1/auth/refresh"] == 1


async def test_an_access_token_about_to_expire_is_renewed_before_it_is_used(app: FastAPI, api: FakeApi) -> None:
    plain = api.tokens
    api.tokens = lambda email: {**plain(email), "expires_in": 20}  # type: ignore[method-assign]
    browser = await Browser(app).sign_in()
    api.tokens = plain  # type: ignore[method-assign]
    await browser.page("/points")
    assert api.seen["POST /api/v1/auth/refresh"] == 1


async def test_many_requests_at_once_renew_once(ada: Browser, api: FakeApi) -> None:
    api.access.clear()
    answers = await asyncio.gather(*(ada.get("/points") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert api.seen["POST /api/v1/auth/refresh"] == 1


async def test_new_roles_are_seen_after_the_next_renewal(ada: Browser, api: FakeApi) -> None:
    assert (await ada.get("/review")).status_code == 403
    api.users["ada@example.org"]["roles"] = ["user", "reviewer"]
    api.access.clear()
    await ada.page("/points")
    assert "Review queue" in (await ada.page("/review")).text


async def test_when_the_renewal_fails_the_way_leads_back_after_signing_in(ada: Browser, api: FakeApi) -> None:
    api.access.clear()
    api.refresh.clear()
    answer = await ada.get("/tasks?status=approved")
    assert answer.headers["location"].startswith("/login?next=%2Ftasks%3Fstatus%3Dapproved")
    login = await ada.follow(answer)
    again = await ada.post("/login", {**login.form("/login").fields, "email": "ada@example.org",
                                      "password": "correct horse battery staple"})  # fmt: skip
    assert again.headers["location"] == "/tasks?status=approved"


async def test_an_api_that_is_away_during_the_renewal_ends_no_session(ada: Browser, api: FakeApi) -> None:
    kept = dict(api.access)
    api.access.clear()
    api.fail("POST", "/api/v1/auth/refresh", failure(503, "unavailable", "Not available"))
    assert (await ada.get("/points")).status_code == 503
    api.rules.clear()
    api.access.update(kept)
    await ada.page("/points")


async def test_a_form_sent_after_the_session_ended_leads_back_to_its_page(
    ada: Browser, api: FakeApi, valkey: Redis
) -> None:
    app = api.add_app("Reader")
    form = (await ada.page(f"/apps/{app['id']}")).form(f"/apps/{app['id']}/start")
    await valkey.delete(_key(ada.cookie))
    referer = {"Referer": f"https://appraise.test/apps/{app['id']}"}
    answer = await ada.post(form.action, form.fields, headers=referer)
    assert answer.headers["location"].startswith(f"/login?next=%2Fapps%2F{app['id']}&")


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example", "//evil.example", "/\\evil.example", "evil", "javascript:alert(1)", "/\t/evil"],
)
async def test_nobody_is_led_elsewhere_after_signing_in(browser: Browser, elsewhere: str) -> None:
    form = (await browser.page("/login")).form("/login")
    fields = {**form.fields, "email": "ada@example.org", "password": "correct horse battery staple"}
    answer = await browser.post("/login", {**fields, "next": elsewhere})
    assert answer.headers["location"] == "/"
