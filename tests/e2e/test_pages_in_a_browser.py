"""The main job on the pages and in Swagger UI, in a real browser."""

import json
import re
import secrets

import pytest
from page_browser import MARKS, Opener, sign_in, sign_out
from playwright.sync_api import Page, expect
from running_platform import ADMIN, REVIEWER, Account, Platform, mail_token, new_account

pytestmark = MARKS
PASSWORD = "a long enough password"


@pytest.mark.parametrize("width", [360, 768, 1280])
@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_the_main_job_on_the_pages(
    platform: Platform, open_page: Opener, screenshot: bytes, *, scripts: bool, width: int
) -> None:
    package = f"org.example.Pages{secrets.token_hex(3)}"
    address = f"gil-{secrets.token_hex(4)}@example.org"

    admin = open_page(scripts=scripts, width=width)
    sign_in(admin, *ADMIN)
    admin.goto("/admin/apps/new")
    admin.get_by_label("Play Store link").fill(f"https://play.google.com/store/apps/details?id={package}&hl=de")
    admin.get_by_label("Name").fill(f"Reader {package}")
    admin.get_by_label("Points").fill("120")
    admin.get_by_role("button", name="Add as draft").click()
    admin.get_by_role("button", name="Publish").click()
    expect(admin.get_by_text("The app is published.")).to_be_visible()

    user = open_page("/register", scripts=scripts, width=width)
    user.get_by_label("Your name").fill("Gil Tester")
    user.get_by_label("E-mail address").fill(address)
    user.get_by_label("Password").fill(PASSWORD)
    user.get_by_role("main").get_by_role("button", name="Create account").click()
    expect(user.get_by_role("heading", name="Look into your mail")).to_be_visible()
    user.goto(f"/verify-email?token={mail_token(platform.var, address)}")
    user.get_by_role("button", name="Confirm my e-mail address").click()
    sign_in(user, address, PASSWORD)

    user.goto("/apps")
    user.get_by_label("Search").fill(package)
    user.get_by_role("button", name="Show", exact=True).click()
    user.get_by_role("link", name=f"Reader {package}").click()
    user.get_by_role("button", name="Start this task").click()
    user.get_by_label("Screenshot", exact=True).set_input_files(
        {"name": "shot.png", "mimeType": "image/png", "buffer": screenshot}
    )
    user.get_by_role("button", name="Hand in").click()
    expect(user.get_by_text("Your screenshot has arrived.")).to_be_visible()

    reviewer = open_page(scripts=scripts, width=width)
    sign_in(reviewer, *REVIEWER)
    reviewer.goto("/review")
    reviewer.get_by_role("button", name=f"Review Reader {package}").click()
    picture = reviewer.get_by_role("img", name=re.compile(package))
    expect(picture).to_be_visible()
    reviewer.get_by_role("button", name="Approve").click()
    expect(reviewer.get_by_text(f"Approved: Reader {package}.")).to_be_visible()
    sign_out(reviewer)  # which sends what could still be taken back

    account = Account(platform.url).sign_in(address, PASSWORD)
    assert account.get("/api/v1/points").json()["balance"] == 120
    if scripts:  # the page of the task has followed by itself
        expect(user.locator("#standing")).to_have_attribute("data-status", "approved")
    user.goto("/points")
    expect(user.get_by_role("main")).to_contain_text("120")
    expect(user.get_by_role("main")).to_contain_text(f"Reader {package}")
    assert open_page.faults == []


def test_a_forgotten_password_is_replaced_by_mail(platform: Platform, open_page: Opener) -> None:
    address = f"jon-{secrets.token_hex(4)}@example.org"
    new_account(platform, address, PASSWORD)
    page = open_page("/login")
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_label("E-mail address").fill(address)
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
    page.goto(f"/reset-password?token={mail_token(platform.var, address, subject='Choose a new password')}")
    page.get_by_label("New password").fill("another long password")
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_text("Your new password is set.")).to_be_visible()
    sign_in(page, address, "another long password")
    assert open_page.faults == []


@pytest.fixture
def started(platform: Platform, open_page: Opener) -> tuple[Page, str]:
    """Somebody signed in, and the path of the task that they have started."""
    admin = Account(platform.url).sign_in(*ADMIN)
    app = admin.post("/api/v1/apps", {"package_name": f"org.example.d{secrets.token_hex(3)}", "name": "D", "points": 5})
    admin.post(f"/api/v1/apps/{app.json()['id']}/publish")
    address = f"hal-{secrets.token_hex(4)}@example.org"
    task = new_account(platform, address, PASSWORD).post("/api/v1/tasks", {"app_id": app.json()["id"]}).json()
    page = open_page()
    sign_in(page, address, PASSWORD)
    return page, f"/tasks/{task['id']}"


def test_a_screenshot_is_dropped_onto_the_task(started: tuple[Page, str], open_page: Opener, screenshot: bytes) -> None:
    page, path = started
    page.goto(path)
    dropped = page.evaluate_handle(
        """bytes => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], "dropped.png", {type: "image/png"}));
            return data;
        }""",
        list(screenshot),
    )
    page.dispatch_event(".drop", "drop", {"dataTransfer": dropped})
    expect(page.get_by_role("img", name="Preview of your screenshot")).to_be_visible()
    page.get_by_role("button", name="Hand in").click()
    expect(page.get_by_text("Your screenshot has arrived.")).to_be_visible()
    assert open_page.faults == []


def test_a_screenshot_chosen_before_the_script_has_come_is_kept(
    started: tuple[Page, str], open_page: Opener, screenshot: bytes
) -> None:
    page, path = started
    page.route("**/upload*.js*", lambda route: route.fulfill(content_type="text/javascript", body=""), times=1)
    page.goto(path)
    page.get_by_label("Screenshot", exact=True).set_input_files(
        {"name": "early.png", "mimeType": "image/png", "buffer": screenshot}
    )
    page.add_script_tag(type="module", url=f"{page.locator('script[src*=upload]').get_attribute('src')}?late")
    expect(page.get_by_role("img", name="Preview of your screenshot")).to_be_visible()
    page.get_by_role("button", name="Hand in").click()
    expect(page.get_by_text("Your screenshot has arrived.")).to_be_visible()
    assert open_page.faults == []


class SwaggerUI:
    """Swagger UI, used as a developer does: open an operation, fill it in, execute, read the answer."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def authorize(self, address: str, password: str) -> None:
        page = self._page
        page.get_by_role("button", name="Authorize").first.click()
        dialog = page.locator(".dialog-ux")
        sign_out = dialog.locator("button.auth", has_text="Logout")
        expect(sign_out.or_(dialog.locator("#oauth_username"))).to_be_visible()
        if sign_out.count():
            sign_out.click()
        dialog.locator("#oauth_username").fill(address)
        dialog.locator("#oauth_password").fill(password)
        dialog.locator("button.authorize").click()
        expect(sign_out).to_be_visible()
        dialog.locator("button.btn-done").click()

    def call(
        self,
        operation: str,
        parameters: dict[str, str] | None = None,
        *,
        body: object = None,
        picture: bytes | None = None,
    ) -> tuple[int, dict[str, object]]:
        """Execute an operation by its id. Returns the status and the JSON of the answer."""
        tag = operation.split("_", maxsplit=1)[0]
        block = self._page.locator(f"#operations-{tag}-{operation}")
        block.scroll_into_view_if_needed()
        if "is-open" not in (block.get_attribute("class") or ""):
            block.locator(".opblock-summary-control").click()
        begin = block.get_by_role("button", name="Try it out")
        expect(begin.or_(block.get_by_role("button", name="Execute"))).to_be_visible()
        if begin.count():
            begin.click()
        for name, value in (parameters or {}).items():
            block.locator(f'tr[data-param-name="{name}"] input').fill(value)
        if body is not None:
            block.locator("textarea.body-param__text").fill(json.dumps(body))
        if picture is not None:
            block.locator("input[type=file]").set_input_files(
                {"name": "shot.png", "mimeType": "image/png", "buffer": picture}
            )
        block.get_by_role("button", name="Execute").click()
        answer = block.locator(".live-responses-table .response")
        expect(answer).to_be_visible()
        status = int(answer.locator(".response-col_status").inner_text().split()[0])
        text = answer.locator(".response-col_description pre code").first.inner_text()
        if block.get_by_role("button", name="Clear").count():
            block.get_by_role("button", name="Clear").click()
        return status, json.loads(text)


def _key(task: dict[str, object] | None = None) -> dict[str, str]:
    """A new idempotency key, and the task when the path names one."""
    return {"Idempotency-Key": secrets.token_hex(8)} | ({"task_id": str(task["id"])} if task else {})


def test_the_main_job_by_hand_in_swagger_ui(platform: Platform, open_page: Opener, screenshot: bytes) -> None:
    address = f"ivy-{secrets.token_hex(4)}@example.org"
    new_account(platform, address, PASSWORD)
    page = open_page("/docs")
    swagger = SwaggerUI(page)

    swagger.authorize(*ADMIN)
    draft = {"package_name": f"org.example.s{secrets.token_hex(3)}", "name": "By hand", "points": 30}
    status, app = swagger.call("catalog_create_app", body=draft)
    assert status == 201, app
    status, app = swagger.call("catalog_publish_app", {"app_id": str(app["id"])})
    assert (status, app["status"]) == (200, "published")

    swagger.authorize(address, PASSWORD)
    status, task = swagger.call("rewards_start_task", _key(), body={"app_id": app["id"]})
    assert status == 201, task
    status, proof = swagger.call("rewards_submit_proof", _key(task), picture=screenshot)
    assert (status, proof["attempt"]) == (201, 1), proof

    swagger.authorize(*REVIEWER)
    status, decided = swagger.call("rewards_decide_review", _key(task), body={"decision": "approve"})
    assert status == 200, decided

    swagger.authorize(address, PASSWORD)
    status, points = swagger.call("rewards_get_points")
    assert (status, points["balance"]) == (200, 30)
