"""What stands around every page: the reader's choice of light or dark, and the ways for each role."""

import pytest
from api_for_pages import FakeApi
from fastapi import FastAPI
from plain_browser import Browser, Page

pytestmark = pytest.mark.integration


def _theme(page: Page) -> str | None:
    return next(tag.attributes.get("data-theme") for tag in page.tags if tag.name == "html")


def _ways(page: Page) -> list[str]:
    """Where the navigation leads: the links with an icon in a list."""
    return [tag.attributes["href"] for tag in page.tags if tag.name == "a" and tag.attributes.get("data-way") == ""]


async def test_light_or_dark_is_kept_and_leads_back(browser: Browser) -> None:
    assert _theme(await browser.page("/apps?sort=name")) is None
    answer = await browser.submit("/apps?sort=name", "/theme", theme="dark")
    assert answer.headers["location"] == "/apps?sort=name"
    assert _theme(await browser.follow(answer)) == "dark"
    await browser.submit("/apps", "/theme", theme="system")
    assert _theme(await browser.page("/apps")) is None


async def test_the_choice_is_kept_for_this_host_alone(browser: Browser) -> None:
    kept = (await browser.submit("/apps", "/theme", theme="dark")).headers["set-cookie"]
    assert kept.startswith("__Host-theme=dark;")
    assert {"secure", "httponly", "samesite=lax", "path=/"} <= {part.strip().lower() for part in kept.split(";")}


@pytest.mark.parametrize("theme", ["", "purple", 'dark" onload=alert(1)'])
async def test_only_what_is_there_can_be_chosen(browser: Browser, theme: str) -> None:
    assert "set-cookie" not in (await browser.submit("/apps", "/theme", theme=theme)).headers
    browser.http.cookies.set("__Host-theme", "purple", domain="appraise.test")
    assert _theme(await browser.page("/apps")) is None


async def test_nobody_is_led_elsewhere_by_it(browser: Browser) -> None:
    answer = await browser.submit("/apps", "/theme", theme="dark", next="https://evil.example/")
    assert answer.headers["location"] == "/"


async def test_another_site_can_not_choose(browser: Browser) -> None:
    answer = await browser.post("/theme", {"theme": "dark"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("roles", "ways"),
    [
        (["user"], ["/apps", "/tasks", "/points", "/isins"]),
        (["user", "reviewer"], ["/apps", "/tasks", "/points", "/isins", "/review"]),
        (["user", "admin"], ["/apps", "/tasks", "/points", "/isins", "/admin/apps"]),
    ],
)
async def test_each_role_is_offered_its_own_ways(app: FastAPI, api: FakeApi, roles: list[str], ways: list[str]) -> None:
    api.users["ada@example.org"]["roles"] = roles
    page = await (await Browser(app).sign_in()).page("/apps")
    assert _ways(page) == ways


async def test_without_a_session_there_are_the_ways_in(browser: Browser) -> None:
    assert _ways(await browser.page("/apps")) == ["/apps", "/login", "/register"]


async def test_a_page_is_painted_once_its_scripts_have_changed_it(
    ada: Browser, reviewer: Browser, api: FakeApi
) -> None:
    begun = api.add_task("ada@example.org", api.add_app("Reader", 250))
    waiting = api.add_task("ada@example.org", api.add_app("Clock", 50))
    api.add_proof(waiting)
    pages = (await ada.page(f"/tasks/{begun['id']}"), await reviewer.page(f"/review/{waiting['id']}"))
    scripts = [tag.attributes for page in pages for tag in page.tags if tag.name == "script"]
    assert {script["src"].split("/")[-1].split(".")[0] for script in scripts} == {"page", "upload", "review"}
    assert {script.get("blocking") for script in scripts} == {"render"}
