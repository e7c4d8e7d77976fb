"""The journeys of reviewer and administrator in a real browser, with and without scripts."""

import re
import secrets

import pytest
from page_browser import MARKS, Opener, sign_in, sign_out
from playwright.sync_api import Page, expect
from running_platform import ADMIN, REVIEWER, Account, Platform, eventually, new_account, phone_screenshot

pytestmark = MARKS
PASSWORD = "a long enough password"


@pytest.fixture(scope="module")
def waiting(platform: Platform) -> tuple[Account, list[str]]:
    """Three screenshots of a person that wait for a decision: the apps' names, the oldest first."""
    admin = Account(platform.url).sign_in(*ADMIN)
    person = new_account(platform, f"kim-{secrets.token_hex(4)}@example.org", PASSWORD)
    names = [f"Staff {secrets.token_hex(3)}" for _ in range(3)]
    for name in names:
        draft = {"package_name": f"org.example.{name.replace(' ', '')}", "name": name, "points": 10}
        app = admin.post("/api/v1/apps", draft).json()
        admin.post(f"/api/v1/apps/{app['id']}/publish")
        task = person.post("/api/v1/tasks", {"app_id": app["id"]}).json()
        files = {"file": ("shot.png", phone_screenshot(name), "image/png")}
        assert person.post(f"/api/v1/tasks/{task['id']}/proofs", files=files).status_code == 201
    return person, names


def _as(open_page: Opener, who: tuple[str, str], *, scripts: bool = True) -> Page:
    page = open_page(scripts=scripts)
    sign_in(page, *who)
    return page


def _open(page: Page, name: str) -> None:
    page.goto("/review")
    page.get_by_role("button", name=f"Review {name}").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(name)


def _state_of(person: Account, name: str) -> str:
    return str(next(task["status"] for task in person.get("/api/v1/tasks").json()["items"] if task["app_name"] == name))


def _press(page: Page, key: str) -> None:
    """Keys are heard once the script of the page has begun."""
    expect(page.locator("html.has-script")).to_be_attached()
    page.keyboard.press(key)


def test_a_reviewer_decides_by_keys_and_takes_one_back(open_page: Opener, waiting: tuple[Account, list[str]]) -> None:
    person, names = waiting
    page = _as(open_page, REVIEWER)
    _open(page, names[0])
    _press(page, "?")
    expect(page.get_by_role("dialog")).to_be_visible()
    _press(page, "Escape")
    page.get_by_role("button", name="Larger").click()
    expect(page.locator(".viewer.close-up")).to_be_visible()
    _press(page, "j")
    expect(page.get_by_role("heading", level=1)).to_contain_text(names[1])
    _press(page, "k")
    expect(page.get_by_role("heading", level=1)).to_contain_text(names[0])
    _press(page, "a")
    expect(page.get_by_text(f"Approved: {names[0]}.")).to_be_visible()
    _press(page, "u")
    expect(page.get_by_text("Taken back. Nothing was decided.")).to_be_visible()
    assert _state_of(person, names[0]) == "submitted"
    _press(page, "2")
    _press(page, "Enter")
    expect(page.get_by_text(f"Rejected: {names[0]}.")).to_be_visible()
    assert open_page.faults == []
    page.context.close()  # as a tab that is closed in the seconds of the undo
    eventually(lambda: _state_of(person, names[0]) == "rejected")


def test_a_reviewer_decides_without_scripts(open_page: Opener, waiting: tuple[Account, list[str]]) -> None:
    person, names = waiting
    page = _as(open_page, REVIEWER, scripts=False)
    page.set_viewport_size({"width": 360, "height": 740})
    _open(page, names[1])
    page.get_by_role("button", name="Approve").click()
    page.get_by_role("button", name="Undo").first.click()
    expect(page.get_by_text("Taken back. Nothing was decided.")).to_be_visible()
    page.goto("/review")
    for name in names[1:]:
        page.get_by_label(f"Choose {name}").check()
    page.get_by_role("button", name="Approve the chosen").click()
    expect(page.get_by_text("2 approved.")).to_be_visible()
    sign_out(page)
    assert {_state_of(person, name) for name in names[1:]} == {"approved"}


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_an_administrator_at_work(open_page: Opener, platform: Platform, *, scripts: bool) -> None:
    mark = secrets.token_hex(3)
    address = f"lea-{mark}@example.org"
    new_account(platform, address, PASSWORD)
    page = _as(open_page, ADMIN, scripts=scripts)

    page.goto("/admin/categories")
    page.get_by_label("Name", exact=True).fill(f"Category {mark}")
    page.get_by_label("Short name").fill(f"category-{mark}")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_text("The category is added.")).to_be_visible()

    page.goto("/admin/imports")
    page.get_by_label("CSV").check()
    csv = f"package_name,name,points\norg.example.i{mark},Imported {mark},25\nnonsense,No,1\n".encode()
    page.get_by_label("File", exact=True).set_input_files({"name": "a.csv", "mimeType": "text/csv", "buffer": csv})
    page.get_by_role("button", name="Send the file").click()
    expect(page.get_by_text("This was a trial")).to_be_visible()
    expect(page.get_by_role("heading", name="Rows that were left out")).to_be_visible()

    page.goto(f"/admin/users?q=lea-{mark}")
    page.get_by_role("link", name="Ada Tester").click()
    page.get_by_label("Reviewer").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The account is saved.")).to_be_visible()
    page.get_by_role("link", name="Adjust points").click()
    page.get_by_label("Points", exact=True).fill("1250")
    page.get_by_label("Reason").fill("A prize")
    page.get_by_role("button", name="Book").click()
    expect(page.get_by_role("main")).to_contain_text("+1,250")
    page.get_by_label("Reason").fill("It was a slip")
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_text("The transaction is taken back by this one.")).to_be_visible()
    page.goto("/admin/points/verify")
    expect(page.get_by_text("Every rule holds")).to_be_visible()
    assert open_page.faults == []


def test_what_two_administrators_typed_is_not_lost(open_page: Opener, platform: Platform) -> None:
    admin = Account(platform.url).sign_in(*ADMIN)
    draft = {"package_name": f"org.example.c{secrets.token_hex(3)}", "name": "Both", "points": 10}
    app = admin.post("/api/v1/apps", draft).json()
    page = _as(open_page, ADMIN)
    page.goto(f"/admin/apps/{app['id']}")
    etag = admin.get(f"/api/v1/apps/{app['id']}").headers["etag"]
    admin.http.patch(f"/api/v1/apps/{app['id']}", json={"name": "Theirs"}, headers={"If-Match": etag})
    page.get_by_label("Name").first.fill("Mine")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Now in the catalogue: Theirs")).to_be_visible()
    expect(page.get_by_label("Name").first).to_have_value("Mine")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Your changes are saved.")).to_be_visible()


def test_isins_and_lists(open_page: Opener, platform: Platform) -> None:
    admin = Account(platform.url).sign_in(*ADMIN)
    eventually(lambda: admin.get("/api/v1/isins").json()["items"])
    isin = admin.get("/api/v1/isins").json()["items"][0]["isin"]
    wrong = isin[:-1] + str((int(isin[-1]) + 1) % 10)
    page = _as(open_page, ADMIN, scripts=False)
    page.goto("/isins")
    page.get_by_label("ISIN or name").fill(isin.lower())
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("main")).to_contain_text(isin)
    page.goto("/isins/check")
    page.get_by_label("A text with ISINs").fill(f"{isin}\n{wrong}")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text(f"The check digit should be {isin[-1]}, not {wrong[-1]}.")).to_be_visible()
    page.goto("/feeds")
    page.get_by_role("link", name="NSE").first.click()
    page.get_by_label("Again, although it succeeded").check()
    page.get_by_role("button", name="Run now").click()
    expect(page.get_by_text(re.compile("The run is asked for|has run already"))).to_be_visible()
    assert open_page.faults == []
