"""What people do on the pages beyond the main job: by keyboard alone, with a second factor, and while things change."""

import secrets

from authenticator import code_of
from page_browser import MARKS, Opener, sign_in
from pages_world import PASSWORD, World, a_task, an_app, make_world
from playwright.sync_api import Page, Route, expect
from running_platform import Platform, new_account

pytestmark = MARKS


def _tab_to(page: Page, name: str) -> None:
    """Press Tab until what has this name has the focus, which then has to be seen."""
    for _ in range(80):
        page.keyboard.press("Tab")
        found = page.evaluate(
            """() => {
                const at = document.activeElement;
                return [at.labels?.[0]?.innerText ?? "", at.innerText, at.getAttribute("aria-label") ?? ""];
            }"""
        )
        if any(name in words for words in found):
            outline = "getComputedStyle(document.activeElement).outlineStyle !== 'none'"
            around = "document.activeElement.closest('.has-link') !== null"  # the whole card is outlined
            assert page.evaluate(f"{outline} || {around}"), f"nobody sees that {name} has the focus"
            return
    raise AssertionError(f"Tab does not lead to {name}")


def test_from_registration_to_the_first_task_by_keyboard_alone(
    platform: Platform, open_page: Opener, screenshot: bytes
) -> None:
    world = make_world(platform)
    app = an_app(world, 40, name=f"Keys {secrets.token_hex(3)}")
    page = open_page("/login")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    _tab_to(page, "E-mail address")
    page.keyboard.type(world.people["person"][0])
    _tab_to(page, "Password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Apps", exact=True)).to_be_visible()
    _tab_to(page, "Search")
    page.keyboard.type(str(app["name"]))
    page.keyboard.press("Enter")
    page.wait_for_url("**/apps?*sort=*")
    _tab_to(page, str(app["name"]))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=str(app["name"]), level=1)).to_be_visible()
    _tab_to(page, "Start this task")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The task is yours.")).to_be_visible()
    _tab_to(page, "Screenshot")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files({"name": "a.png", "mimeType": "image/png", "buffer": screenshot})
    expect(page.get_by_role("img", name="Preview of your screenshot")).to_be_visible()
    _tab_to(page, "Hand in")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Position")).to_be_visible()
    _tab_to(page, "Signed in as")
    page.keyboard.press("Enter")
    _tab_to(page, "Sign out")
    page.keyboard.press("Enter")
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    assert open_page.faults == []


def test_a_second_factor_from_the_qr_code_to_the_recoverycode_of(platform: Platform, open_page: Opener) -> None:
    address = f"tia-{secrets.token_hex(4)}@example.org"
    new_account(platform, address, PASSWORD)
    page = open_page()
    sign_in(page, address, PASSWORD)
    page.goto("/profile")
    page.locator("form[action='/profile/totp']").get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    secret = page.locator(".hint .code").inner_text()
    page.get_by_label("Code of six digits").fill(code_of(secret))
    page.get_by_role("button", name="Switch it on").click()
    recovery = page.locator(".codes li").first.inner_text()
    page.get_by_role("link", name="I have kept them").click()

    for code in (code_of(secret, steps=1), recovery):  # each code works once, so the app's next one
        other = open_page("/login?next=/points")
        other.get_by_label("E-mail address").fill(address)
        other.get_by_label("Password").fill(PASSWORD)
        other.get_by_role("main").get_by_role("button", name="Sign in").click()
        other.get_by_label("Code").fill(code)
        other.get_by_role("main").get_by_role("button", name="Sign in").click()
        expect(other.get_by_role("heading", name="Points", exact=True)).to_be_visible()

    page.goto("/profile")
    page.get_by_role("button", name="Sign out everywhere else").click()
    expect(page.get_by_text("You are signed out everywhere but here.")).to_be_visible()
    assert open_page.faults == []


def _waiting(platform: Platform, open_page: Opener) -> tuple[World, Page, str]:
    world = make_world(platform)
    task = a_task(world, an_app(world, 60, name="Live"), handed_in=True)
    page = open_page()
    sign_in(page, *world.people["person"])
    page.goto(f"/tasks/{task['id']}")
    expect(page.get_by_text("Position")).to_be_visible()
    return world, page, str(task["id"])


def test_a_waiting_task_changes_while_one_looks_at_it(platform: Platform, open_page: Opener) -> None:
    world, page, task_id = _waiting(platform, open_page)
    answer = world.reviewer.post(f"/api/v1/reviews/{task_id}/decision", {"decision": "approve"})
    assert answer.status_code == 200
    expect(page.get_by_text("The points are in your statement.")).to_be_visible()
    assert open_page.faults == []


def test_an_upload_can_be_cancelled_and_sent_after_all(
    platform: Platform, open_page: Opener, screenshot: bytes
) -> None:
    world = make_world(platform)
    task = a_task(world, an_app(world, 60, name="Second thoughts"))
    page = open_page()
    sign_in(page, *world.people["person"])
    page.goto(f"/tasks/{task['id']}")
    held: list[Route] = []
    page.route("**/proofs", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks it; a method can't be
    file = page.get_by_label("Screenshot", exact=True)
    file.set_input_files({"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no picture"})
    expect(page.get_by_text("This is not a PNG, JPEG or WebP picture.")).to_be_visible()
    file.set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": screenshot})
    page.get_by_role("button", name="Hand in").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Cancelled. Nothing was handed in.")).to_be_visible()
    page.unroute("**/proofs")
    page.get_by_role("button", name="Hand in").click()
    expect(page.get_by_text("Your screenshot has arrived.")).to_be_visible()
    assert [fault for fault in open_page.faults if "ERR_" not in fault] == []


def test_light_or_dark_is_chosen_and_kept(open_page: Opener) -> None:
    page = open_page(color_scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    dark, system = page.get_by_role("button", name="Dark"), page.get_by_role("button", name="System")
    dark.click()
    expect(dark).to_have_attribute("aria-pressed", "true")
    page.goto("/apps")
    assert page.evaluate(ground) != light
    system.click()
    expect(system).to_have_attribute("aria-pressed", "true")
    assert page.evaluate(ground) == light


def test_no_page_can_be_put_into_a_frame(platform: Platform, open_page: Opener) -> None:
    page = open_page()
    framed = page.evaluate(
        """async url => {
            const frame = document.createElement("iframe");
            frame.src = url;
            const loaded = new Promise(resolve => { frame.onload = resolve; });
            document.body.append(frame);
            await loaded;
            try { return frame.contentDocument?.title ?? ""; } catch { return ""; }
        }""",
        f"{platform.url}/login",
    )
    assert "Sign in" not in framed
