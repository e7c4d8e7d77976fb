"""A platform with something on every page, and the list of these pages: for looking at each one in many ways.

A page is `(name, who, path)`; another part of the site adds a function that makes its own things and yields its pages.
"""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from authenticator import code_of
from page_browser import give_password, sign_in
from playwright.sync_api import Page, expect
from running_platform import ADMIN, REVIEWER, Account, Platform, eventually, new_account, phone_screenshot

PASSWORD = "a long enough password"


class EveryPage(NamedTuple):
    """A page to look at, and whose eyes see it: ``nobody``, ``person``, ``reviewer``, ``admin``, or a ``newcomer`` who
    comes to it by steps.
    """

    name: str
    who: str
    path: str
    steps: Callable[[Page], object] | None = None

    def open(self, tab: Page) -> None:
        """Show it."""
        if self.steps:
            self.steps(tab)
        else:
            tab.goto(self.path)


@dataclass
class World:
    """Who is there, and how they sign in: an address and a password for each."""

    platform: Platform
    people: dict[str, tuple[str, str]]
    person: Account
    reviewer: Account
    admin: Account


def make_world(platform: Platform) -> World:
    """A person with points, and with tasks in every state that people see."""
    address = f"ada-{secrets.token_hex(4)}@example.org"
    people = {"person": (address, PASSWORD), "reviewer": REVIEWER, "admin": ADMIN}
    return World(
        platform=platform,
        people=people,
        person=new_account(platform, address, PASSWORD),
        reviewer=Account(platform.url).sign_in(*REVIEWER),
        admin=Account(platform.url).sign_in(*ADMIN),
    )


def an_app(world: World, points: int, **values: Any) -> dict[str, Any]:
    """A published app."""
    body = {"package_name": f"org.example.p{secrets.token_hex(4)}", "name": "Reader", "points": points, **values}
    app: dict[str, Any] = world.admin.post("/api/v1/apps", body).json()
    world.admin.post(f"/api/v1/apps/{app['id']}/publish")
    return app


def a_task(
    world: World, app: dict[str, Any], *, whose: Account | None = None, handed_in: bool = False, **decision: str
) -> dict[str, Any]:
    """A task of the person, or of somebody else: begun, handed in, or decided on."""
    person = whose or world.person
    task: dict[str, Any] = person.post("/api/v1/tasks", {"app_id": app["id"]}).json()
    path = f"/api/v1/tasks/{task['id']}"
    if handed_in or decision:
        picture = phone_screenshot(f"{app['name']} {secrets.token_hex(4)}")
        answer = person.post(f"{path}/proofs", files={"file": ("a.png", picture, "image/png")})
        assert answer.status_code == 201, answer.text
    if decision:
        answer = world.reviewer.post(f"/api/v1/reviews/{task['id']}/decision", decision)
        assert answer.status_code == 200, answer.text
    return task


def pages_of_people(world: World) -> Iterator[EveryPage]:
    """Everything that people see."""
    read = "Opens a text and reads it aloud, also without a network."
    begun = a_task(world, an_app(world, 250, name="Podcatcher", summary=read, description=read))
    waiting = a_task(world, an_app(world, 120, name="Star Map"), handed_in=True)
    rejected = a_task(
        world, an_app(world, 90, name="Habit Garden", summary="One small thing a day."),
        decision="reject", reason_code="wrong_app", note="This is the clock of the phone. Please open the app first.",
    )  # fmt: skip
    approved = [a_task(world, an_app(world, n, name=name), decision="approve")
                for n, name in ((1250, "Offline Atlas"), (300, "Birdsong"), (80, "Kitchen Timer"))]  # fmt: skip
    world.person.http.patch("/api/v1/me/preferences", json={"leaderboard": True})
    fresh = an_app(world, 500, name="Pocket Telescope", summary=read, description=f"{read}\n\n{read}")
    for name, path in (
        ("welcome", "/"), ("register", "/register"), ("register-sent", "/register/sent"), ("login", "/login"),
        ("forgot", "/forgot-password"), ("forgot-sent", "/forgot-password/sent"), ("reset", "/reset-password?token=x"),
        ("reset-spent", "/reset-password"), ("verify", "/verify-email?token=x"), ("verify-spent", "/verify-email"),
        ("apps-open", "/apps"), ("app-open", f"/apps/{fresh['id']}"), ("nothing", "/no-such-page"),
    ):  # fmt: skip
        yield EveryPage(name, "nobody", path)
    for name, path in (
        ("apps", "/apps"), ("apps-found", "/apps?q=read&sort=name"), ("apps-none", "/apps?q=zzzzzz"),
        ("app", f"/apps/{fresh['id']}"), ("app-begun", f"/apps/{begun['app_id']}"), ("tasks", "/tasks"),
        ("tasks-none", "/tasks?status=expired"), ("task-begun", f"/tasks/{begun['id']}"),
        ("task-waiting", f"/tasks/{waiting['id']}"), ("task-rejected", f"/tasks/{rejected['id']}"),
        ("task-approved", f"/tasks/{approved[0]['id']}"), ("points", "/points"),
        ("leaderboard", "/points/leaderboard"), ("profile", "/profile"), ("delete", "/profile/delete"),
    ):  # fmt: skip
        yield EveryPage(name, "person", path)


def pages_of_the_second_factor(world: World) -> Iterator[EveryPage]:
    """What is there only on the way: each time with a new account, as the way can be gone once."""

    def begin(tab: Page) -> tuple[str, str]:
        address = f"una-{secrets.token_hex(4)}@example.org"
        new_account(world.platform, address, PASSWORD)
        tab.context.clear_cookies()
        sign_in(tab, address, PASSWORD)
        tab.goto("/profile")
        tab.locator("form[action='/profile/totp']").get_by_label("Password").fill(PASSWORD)
        tab.get_by_role("button", name="Set it up").click()
        expect(tab.get_by_role("img", name="QR code")).to_be_visible()
        return address, tab.locator(".hint .code").inner_text()

    def confirm(tab: Page) -> str:
        address, secret = begin(tab)
        tab.get_by_label("Code of six digits").fill(code_of(secret))
        tab.get_by_role("button", name="Switch it on").click()
        expect(tab.locator(".codes")).to_be_visible()
        return address

    def sign_in_again(tab: Page) -> None:
        address = confirm(tab)
        tab.context.clear_cookies()
        give_password(tab, address, PASSWORD)
        expect(tab.get_by_label("Code")).to_be_visible()

    yield EveryPage("totp-setup", "newcomer", "/profile/totp", begin)
    yield EveryPage("recovery-codes", "newcomer", "/profile/totp/confirm", confirm)
    yield EveryPage("login-code", "newcomer", "/login/code", sign_in_again)


def pages_of_staff(world: World) -> Iterator[EveryPage]:
    """What reviewers and administrators see, and what everybody sees of the lists of securities."""
    tides = an_app(world, 60, name="Tide Table")
    somebody = new_account(world.platform, f"bea-{secrets.token_hex(4)}@example.org", PASSWORD)
    a_task(world, tides, whose=somebody, handed_in=True)
    first = a_task(world, tides, handed_in=True)
    a_task(world, an_app(world, 60, name="Night Bus"), handed_in=True)
    for name, path in (
        ("review-queue", "/review"), ("review-by-risk", "/review?sort=risk"), ("review", f"/review/{first['id']}"),
        ("review-compare", f"/review/{first['id']}?compare={_alike(world, first)}"),
        ("review-statistics", "/review/statistics"),
    ):  # fmt: skip
        yield EveryPage(name, "reviewer", path)
    app = an_app(world, 75, name="Cloud Atlas")
    category = world.admin.get("/api/v1/categories").json()["items"][0]["id"]
    transaction = world.admin.get("/api/v1/points/transactions").json()["items"][0]["id"]
    person = world.person.get("/api/v1/users/me").json()["id"]
    for name, path in (
        ("admin-apps", "/admin/apps"), ("admin-app-new", "/admin/apps/new"), ("admin-app", f"/admin/apps/{app['id']}"),
        ("admin-imports", "/admin/imports"), ("admin-categories", "/admin/categories"),
        ("admin-category", f"/admin/categories/{category}"), ("admin-users", "/admin/users"),
        ("admin-user", f"/admin/users/{person}"), ("admin-points", "/admin/points"),
        ("admin-verify", "/admin/points/verify"), ("admin-transaction", f"/admin/points/{transaction}"),
        ("admin-audit", "/admin/audit"), ("admin-audit-catalog", "/admin/audit/catalog"),
    ):  # fmt: skip
        yield EveryPage(name, "admin", path)
    # The first run of a new platform may still be under way.
    isin = eventually(lambda: world.admin.get("/api/v1/isins").json()["items"])[0]["isin"]
    run = eventually(lambda: _first_good_run(world))
    for name, path in (
        ("isins", "/isins"), ("isins-found", f"/isins?q={isin[:4]}"), ("isin", f"/isins/{isin}"),
        ("isin-wrong", "/isins/US0378331006"), ("isins-check", "/isins/check"), ("feeds", "/feeds"),
        ("feed", "/feeds/nse-equity"), ("run", f"/feeds/nse-equity/runs/{run}"),
    ):  # fmt: skip
        yield EveryPage(name, "admin", path)


def _alike(world: World, task: dict[str, Any]) -> str:
    """The proof that looks most like the task's."""
    waiting = world.reviewer.get("/api/v1/reviews", limit="100").json()["items"]
    matches = next(entry["hints"]["matches"] for entry in waiting if entry["task"]["id"] == task["id"])
    return str(matches[0]["proof_id"])


def _first_good_run(world: World) -> str | None:
    runs = world.admin.get("/api/v1/feeds/nse-equity/runs").json()["items"]
    return next((run["id"] for run in runs if run["status"] == "succeeded"), None)


# Every part of the site that has pages: those who add one add it here.
PARTS: list[Callable[[World], Iterator[EveryPage]]] = [pages_of_people, pages_of_the_second_factor, pages_of_staff]
