"""Headers, form tokens, and values that try to be markup."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from api_for_pages import CODE, PASSWORD, FakeApi, failure
from fake_admin import transaction
from fake_isins import add_run
from fake_state import time_of
from fastapi import FastAPI
from fastapi.routing import APIRoute
from plain_browser import ORIGIN, Browser, Page
from structlog.testing import capture_logs

from web.pages import ROUTERS

pytestmark = pytest.mark.integration
CANARY = "<script>alert('canary')</script>\"'><img src=x onerror=alert(1)>{{7*7}}"
AN_ID = "00000000-0000-7000-8000-000000000000"
POSTS = sorted(
    re.sub(r"\{(\w+)\}", lambda name: "nse-equity" if name[1] == "name" else AN_ID, route.path)
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute) and "POST" in (route.methods or ()) and route.path != "/theme"
)


@pytest.fixture
async def everyone(app: FastAPI, api: FakeApi) -> Browser:
    """Somebody with all roles, and with a name to beware of."""
    api.users["ada@example.org"].update(roles=["user", "reviewer", "admin"], name=CANARY)
    return await Browser(app).sign_in()


@pytest.fixture
def pages(api: FakeApi) -> list[str]:
    """Every page, over a platform in which every text is a canary."""
    app = api.add_app(
        CANARY, summary=CANARY, description=CANARY, package_name=CANARY, store_url=f"javascript:{CANARY}",
        icon_url=f"https://evil.example/{CANARY}",
    )  # fmt: skip
    api.categories[0].update(name=CANARY)
    waiting = api.add_task("rea@example.org", app)
    api.add_proof(waiting)
    rejected = api.add_task("ada@example.org", app, "rejected", last_rejection={"reason_code": CANARY, "note": CANARY})
    api.add_entry(CANARY, 5, kind=CANARY)
    api.add_place(CANARY)
    api.leaders.append({"rank": 1, "name": CANARY, "points": 5, "is_me": False})
    api.months.append({"month": "2026-11", "added": 5, "taken": 0})
    api.corrected_q = CANARY
    api.feeds[0].update(title=CANARY, name=CANARY, schedule=CANARY, freshness=CANARY)
    api.isins["INE002A01018"].update(name=CANARY, type=CANARY, status=CANARY, lei=CANARY)
    sighting = {"feed": CANARY, "status": CANARY, "venues": [CANARY], "details": {CANARY: CANARY}}
    api.isins["INE002A01018"]["feeds"][0].update(sighting)
    own = api.users["ada@example.org"]
    match = {"kind": CANARY, "distance": 3, "proof_id": waiting["proof_id"], "task_id": waiting["id"],
             "user_id": own["id"], "app_name": CANARY, "status": CANARY}  # fmt: skip
    api.matches.append(match)
    api.events.append({"kind": CANARY, "user_id": own["id"], "actor_id": None, "details": {CANARY: [CANARY, CANARY]},
                       "created_at": time_of()})  # fmt: skip
    api.transactions.append(transaction(own["id"], 5, CANARY, description=CANARY))
    api.texts[app["id"], "de"] = {"name": CANARY, "summary": CANARY, "description": CANARY}
    gate = {"gate": CANARY, "detail": CANARY, "value": None, "limit": None}
    good = {**api.feeds[0], "name": "nse-equity", "alerts": [
        {"run_id": AN_ID, "business_date": "2026-11-20", "status": "held", "error": CANARY}]}  # fmt: skip
    api.feeds[0] = good
    run = add_run(api, status="held", trigger=CANARY, url=CANARY, sha256=CANARY, gate=[gate])
    failed = add_run(api, status="failed", error=CANARY)
    api.imports[AN_ID] = {
        "id": AN_ID, "format": CANARY, "status": CANARY, "detail": CANARY, "dry_run": False, "total": 1, "created": 0,
        "updated": 0, "unchanged": 0, "rejected": 1, "created_at": time_of(), "finished_at": None,
        "errors": [{"row": 1, "package_name": CANARY, "detail": CANARY}],
    }  # fmt: skip
    return [
        "/", "/register", "/register/sent", "/login", f"/verify-email?token={CANARY}", "/forgot-password",
        "/forgot-password/sent", f"/reset-password?token={CANARY}", f"/apps?q={CANARY}",
        "/apps", f"/apps/{app['id']}", f"/tasks?status={CANARY}", f"/tasks/{rejected['id']}", "/points",
        "/points/leaderboard", "/profile", "/profile/delete", "/review",
        f"/review/{waiting['id']}", "/admin/apps?status=published", "/admin/apps/new", f"/admin/apps/{app['id']}",
        "/isins/INE002A01018", "/isins", f"/isins?q={CANARY}&country={CANARY}", f"/isins/{CANARY}", "/isins/check",
        "/feeds", "/feeds/nse-equity", f"/feeds/nse-equity/runs/{run['id']}?confirm=drop",
        f"/feeds/nse-equity/runs/{failed['id']}", "/review?sort=risk", "/review/statistics",
        f"/review/{waiting['id']}?compare={waiting['proof_id']}", f"/admin/users?q={CANARY}",
        f"/admin/users/{own['id']}", "/admin/categories", f"/admin/categories/{api.categories[0]['id']}",
        f"/admin/points?user_id={CANARY}", f"/admin/points/{api.transactions[0]['id']}", "/admin/points/verify",
        f"/admin/audit?user_id={CANARY}&kind={CANARY}", "/admin/audit/catalog", "/admin/imports",
        f"/admin/imports/{AN_ID}", f"/apps?notice={CANARY}", f"/{CANARY}",
    ]  # fmt: skip


class Strict(HTMLParser):
    """Finds what a strict Content-Security-Policy would block, and what only markup from values could bring."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self._script: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in {"style", "iframe", "object", "base"} or (tag == "script" and "src" not in given):
            self.faults.append(tag)
        for name, value in given.items():
            bad_address = name in {"href", "src", "action", "formaction"} and not (
                value.startswith(("/", "#", "https://play.google.com/")) or (tag == "img" and not value)
            )
            if name.startswith("on") or name == "style" or bad_address:
                self.faults.append(f"{tag} {name}={value}")


async def test_values_are_shown_as_text_on_every_page(everyone: Browser, pages: list[str]) -> None:
    for path in pages:
        answer = await everyone.get(path)
        strict = Strict()
        strict.feed(answer.text)
        assert strict.faults == [], path
        assert "canary')</script>" not in answer.text, path


async def test_the_canaries_are_really_there(everyone: Browser, pages: list[str]) -> None:
    shown = {path for path in pages if CANARY in Page((await everyone.get(path)).text).text}
    assert set(pages) - shown == {"/", "/login"}  # they lead on who is signed in


async def test_values_are_shown_as_text_on_the_way_to_a_second_factor(everyone: Browser, api: FakeApi) -> None:
    api.totp_secret, api.recovery_codes = CANARY, (CANARY, CANARY)
    setup = await everyone.follow(await everyone.submit("/profile", "/profile/totp", password=PASSWORD))
    fields = setup.form("/profile/totp/confirm").fields
    codes = Page((await everyone.post("/profile/totp/confirm", {**fields, "code": CODE})).text)
    everyone.http.cookies.clear()
    asked = await everyone.follow(await everyone.submit("/login", "/login", email="ada@example.org", password=PASSWORD))
    again = await everyone.post("/login/code", {**asked.form("/login/code").fields, "code": CANARY})
    for page in (setup, codes, asked, Page(again.text)):
        strict = Strict()
        strict.feed(page.html)
        assert strict.faults == []
    assert CANARY in setup.text
    assert codes.text.count(CANARY) >= len(api.recovery_codes)


async def test_what_was_typed_comes_back_as_text(browser: Browser) -> None:
    answer = await browser.submit("/register", "/register", name=CANARY, email=CANARY, password="short")
    assert Page(answer.text).form("/register").fields["name"] == CANARY
    strict = Strict()
    strict.feed(answer.text)
    assert strict.faults == []


async def test_every_page_has_its_headers(everyone: Browser, pages: list[str]) -> None:
    for path in pages:
        headers = (await everyone.get(path)).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy, path
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers


async def test_static_files_are_kept_for_ever_under_names_of_their_content(browser: Browser) -> None:
    page = await browser.page("/")
    files = [tag.attributes.get("href") or tag.attributes["src"] for tag in page.tags if tag.name in {"link", "script"}]
    assert len(files) == 5
    for path in files:
        answer = await browser.get(path)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert (await browser.get("/static/site.css")).status_code == 404
    assert (await browser.get("/static/../main.py")).status_code == 404


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("token", [None, "", "0" * 64, "\N{SNOWMAN}"])
async def test_no_form_is_taken_without_its_token(
    everyone: Browser, api: FakeApi, path: str, token: str | None
) -> None:
    fields = {} if token is None else {"csrf_token": token}
    before = api.seen.total()
    extra: dict[str, Any] = (
        {"files": {"file": ("a.png", b"x")}} if path.endswith(("/proofs", "/icon", "/imports")) else {}
    )
    answer = await everyone.post(path, fields or {"a": "b"}, **extra)
    assert answer.status_code == 403
    assert "Not allowed" in Page(answer.text).text
    assert api.seen.total() == before


async def test_the_token_of_another_browser_is_refused(app: FastAPI, everyone: Browser, reviewer: Browser) -> None:
    token = (await reviewer.page("/apps")).form("/logout").fields
    assert (await everyone.post("/logout", token)).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"},
     {"Origin": "null"}],
)  # fmt: skip
async def test_a_form_from_elsewhere_is_refused_even_with_its_token(ada: Browser, headers: dict[str, str]) -> None:
    fields = (await ada.page("/apps")).form("/logout").fields
    assert (await ada.post("/logout", fields, headers=headers)).status_code == 403


async def test_a_browser_that_says_nothing_about_itself_is_served(ada: Browser) -> None:
    fields = (await ada.page("/apps")).form("/logout").fields
    assert (await ada.http.post("/logout", data=fields)).status_code == 303


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"a=" + b"x" * 70_000, "application/x-www-form-urlencoded", 413),
        (b"&".join(b"a=1" for _ in range(60)), "application/x-www-form-urlencoded", 400),
        (b"a=\xff\xfe", "application/x-www-form-urlencoded", 400),
        (b"a=%ff%fe", "application/x-www-form-urlencoded", 400),
        (b'{"a": 1}', "application/json", 400),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x", 400),
    ],
)
async def test_what_no_page_of_ours_sends_is_refused(ada: Browser, content: bytes, kind: str, status: int) -> None:
    headers = {"Content-Type": kind, "Origin": ORIGIN}
    assert (await ada.http.post("/logout", content=content, headers=headers)).status_code == status


@pytest.mark.parametrize("path", ["/nothing", "/apps/not-an-id", "/tasks/00000000-0000-7000-8000-000000000000"])
async def test_what_is_not_there_is_a_page(ada: Browser, path: str) -> None:
    answer = await ada.get(path)
    assert answer.status_code == 404
    assert "Nothing here" in Page(answer.text).text
    assert "My tasks" in Page(answer.text).text


async def test_who_asks_for_no_page_gets_a_problem_document(ada: Browser) -> None:
    answer = await ada.get("/nothing", Accept="*/*")
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


async def test_pages_of_other_roles_are_refused(ada: Browser) -> None:
    for path in ("/review", "/admin/apps", "/admin/apps/new"):
        assert (await ada.get(path)).status_code == 403


async def test_a_wrong_verb_is_told_with_the_right_ones(ada: Browser) -> None:
    answer = await ada.http.delete("/points")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET"


async def test_a_crash_is_a_page_that_tells_nothing_but_the_number(ada: Browser, api: FakeApi) -> None:
    api.fail("GET", "/api/v1/points", RuntimeError("the inner secret"))
    with capture_logs() as logged:
        answer = await ada.get("/points", **{"X-Request-ID": "a-request-of-mine"})
    assert "request.failed" in {entry["event"] for entry in logged}
    assert answer.status_code == 500
    assert "a-request-of-mine" in Page(answer.text).text
    assert "inner secret" not in answer.text
    assert "content-security-policy" in answer.headers


async def test_the_browsers_request_id_goes_on_to_the_api(ada: Browser, api: FakeApi) -> None:
    await ada.get("/points", **{"X-Request-ID": "a-request-of-mine"})
    assert "a-request-of-mine" in api.request_ids


async def test_the_api_hears_whom_every_call_is_made_for(browser: Browser, api: FakeApi) -> None:
    browser.http.headers["X-Forwarded-For"] = "203.0.113.7"
    await browser.sign_in()
    await browser.get("/points")
    assert api.clients == {"203.0.113.7"}


@pytest.mark.parametrize(
    ("status", "code", "shown"),
    [(429, "too-many-requests", "Too many tries"), (503, "unavailable", "Away for a moment"),
     (500, "internal-error", "Something broke"), (502, "upstream-failed", "Away for a moment")],
)  # fmt: skip
async def test_failures_of_the_api_are_told_in_words(
    ada: Browser, api: FakeApi, status: int, code: str, shown: str
) -> None:
    api.fail("GET", "/api/v1/points", failure(status, code, "Title"))
    answer = await ada.get("/points")
    assert answer.status_code == (503 if status == 502 else status)
    assert shown in Page(answer.text).text


async def test_an_answer_in_another_language_is_no_page_of_ours(ada: Browser, api: FakeApi) -> None:
    api.entries.append({"points": 5})
    assert (await ada.get("/points")).status_code == 503
