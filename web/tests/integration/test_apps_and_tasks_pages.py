"""From the catalogue to the points, through the pages, without script."""

from collections.abc import AsyncIterator

import pytest
from api_for_pages import PNG, FakeApi, failure
from plain_browser import ORIGIN, Browser, Page, until

pytestmark = pytest.mark.integration


async def test_the_catalogue_is_open_to_everyone(browser: Browser, api: FakeApi) -> None:
    app = api.add_app("Reader", 1250)
    api.add_app("Hidden", status="draft")
    page = await browser.page("/apps")
    assert "1,250 points" in page.text
    assert "Hidden" not in page.text
    assert "Sign in to start" in (await browser.page(f"/apps/{app['id']}")).text


async def test_an_empty_catalogue_says_what_to_do(browser: Browser, admin: Browser) -> None:
    assert "There are no apps yet" in (await browser.page("/apps")).text
    assert "Add an app" in (await admin.page("/apps")).text
    assert "Show all apps" in (await browser.page("/apps?q=nothing")).text


async def test_filters_are_kept_and_the_next_page_follows_them(browser: Browser, api: FakeApi) -> None:
    for number in range(30):
        api.add_app(f"Reader {number:02}", 100 - number, category="tools")
    api.add_app("Other")
    page = await browser.page("/apps?q=reader&category=tools&min_points=10&max_points=many&sort=name")
    assert page.form("/apps").fields == {
        "q": "reader", "category": "tools", "min_points": "10", "max_points": "", "sort": "name",
    }  # fmt: skip
    assert "Reader 23" in page.text
    assert "Reader 24" not in page.text
    following = next(tag.attributes["href"] for tag in page.tags if tag.attributes.get("rel") == "next")
    assert following == "/apps?q=reader&category=tools&min_points=10&sort=name&cursor=24"
    rest = await browser.page(following)
    assert "Reader 29" in rest.text
    assert "Back to the first page" in rest.text


async def test_categories_are_offered_with_their_counts(browser: Browser, api: FakeApi) -> None:
    api.add_app("Reader", category="tools")
    api.add_app("Clock", category="tools")
    page = await browser.page("/apps?q=r&sort=name")
    assert "Tools 1" in page.text
    links = {tag.attributes.get("href") for tag in page.tags if tag.name == "a"}
    assert "/apps?q=r&sort=name&category=tools" in links
    assert "/apps?category=keyboards" not in links
    below = {tag.attributes.get("href") for tag in (await browser.page("/apps?category=tools")).tags if tag.name == "a"}
    assert "/apps?category=keyboards" in below


async def test_a_slip_of_the_pen_is_told(browser: Browser, api: FakeApi) -> None:
    api.add_app("Reader")
    api.corrected_q = "reader"
    assert "These fit “reader”" in (await browser.page("/apps?q=raeder")).text


async def test_texts_say_which_language_they_are_in(browser: Browser, api: FakeApi) -> None:
    app = api.add_app("Leser", locale="de")
    page = await browser.page(f"/apps/{app['id']}")
    assert "de" in {tag.attributes.get("lang") for tag in page.tags}


async def test_the_points_stand_above_the_apps(ada: Browser, api: FakeApi) -> None:
    api.add_entry("Reader", 1250)
    api.add_task("ada@example.org", api.add_app("Clock", 70), "submitted")
    page = await ada.page("/apps")
    assert "1,250" in page.text
    assert "70 more wait for review" in page.text


async def test_only_the_apps_that_are_shown_are_asked_for(ada: Browser, api: FakeApi) -> None:
    shown, hidden = api.add_app("Reader"), api.add_app("Clock", status="draft")
    api.add_task("ada@example.org", hidden, "approved")
    task = api.add_task("ada@example.org", shown, "cancelled")
    newer = {**api.add_task("ada@example.org", shown, "submitted"), "created_at": "2026-11-21T09:30:00Z"}
    api.tasks = {newer["id"]: newer, task["id"]: task}  # newest first, as the API has it
    page = await ada.page("/apps")
    assert "Waiting for review" in page.text
    assert "Given up" not in page.text


async def test_cards_show_ones_own_state(ada: Browser, api: FakeApi) -> None:
    api.add_task("ada@example.org", api.add_app("Reader"), "submitted")
    assert "Waiting for review" in (await ada.page("/apps")).text


async def test_the_whole_job(ada: Browser, reviewer: Browser, api: FakeApi) -> None:
    app = api.add_app("Reader", 250)
    started = await ada.submit(f"/apps/{app['id']}", f"/apps/{app['id']}/start")
    task_page = await ada.follow(started)
    task = next(iter(api.tasks.values()))
    assert "3 attempts left" in task_page.text
    form = task_page.form(f"/tasks/{task['id']}/proofs")
    sent = await ada.post(form.action, form.fields, files={"file": ("shot.png", PNG, "image/png")})
    assert "Your screenshot has arrived" in (await ada.follow(sent)).text
    assert api.pictures[task["proof_id"]] == PNG

    opened = await reviewer.submit("/review", f"/review/{task['id']}")
    assert "1 other proof has the very same pixels" in (await reviewer.follow(opened)).text
    decided = await reviewer.submit(f"/review/{task['id']}", f"/review/{task['id']}/decision", decision="approve")
    await reviewer.follow(decided)
    await until(lambda: api.entries)

    points = await ada.page("/points")
    assert "+250" in points.text
    assert "Reader" in points.text


async def test_a_double_click_starts_one_task(ada: Browser, api: FakeApi) -> None:
    app = api.add_app("Reader")
    form = (await ada.page(f"/apps/{app['id']}")).form(f"/apps/{app['id']}/start")
    answers = [await ada.post(form.action, form.fields) for _ in range(2)]
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert len(api.tasks) == 1
    keys = {(await ada.page("/apps")).form("/logout").fields["csrf_token"] for _ in range(2)}
    assert len(keys) == 1  # the token belongs to the session, the key to the form


async def test_every_rendering_of_a_form_has_a_key_of_its_own(ada: Browser, api: FakeApi) -> None:
    app = api.add_app("Reader")
    path = f"/apps/{app['id']}"
    keys = {(await ada.page(path)).form(f"{path}/start").fields["idempotency_key"] for _ in range(3)}
    assert len(keys) == 3


async def test_starting_again_leads_to_the_task_that_is_there(ada: Browser, api: FakeApi) -> None:
    app = api.add_app("Reader")
    form = (await ada.page(f"/apps/{app['id']}")).form(f"/apps/{app['id']}/start")
    task = api.add_task("ada@example.org", app)
    answer = await ada.post(form.action, form.fields)
    assert answer.status_code == 409
    assert "You have a task for this app already." in Page(answer.text).text
    assert f"/tasks/{task['id']}" in answer.text


async def test_who_is_not_verified_is_told_what_to_do(ada: Browser, api: FakeApi) -> None:
    api.users["ada@example.org"]["email_verified"] = False
    app = api.add_app("Reader")
    answer = await ada.submit(f"/apps/{app['id']}", f"/apps/{app['id']}/start")
    assert answer.status_code == 403
    assert "Confirm your e-mail address first" in Page(answer.text).text


async def test_a_rejection_shows_its_reason_and_lets_one_try_again(ada: Browser, api: FakeApi) -> None:
    rejection = {"reason_code": "wrong_app", "note": "This is a clock."}
    app = api.add_app("Reader")
    task = api.add_task("ada@example.org", app, "rejected", attempts_left=2, last_rejection=rejection)
    page = await ada.page(f"/tasks/{task['id']}")
    for words in ("It shows another app", "This is a clock.", "2 attempts left", "Hand in another screenshot"):
        assert words in page.text
    task["attempts_left"] = 0
    assert "You have no attempts left." in (await ada.page(f"/tasks/{task['id']}")).text


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [(b"", 422, "Choose a screenshot first."), (b"GIF89a", 415, "This is not a PNG, JPEG or WebP picture."),
     (b"\x89PNG" + b"x" * 8 * 1024 * 1024, 413, "8 MB")],
)  # fmt: skip
async def test_a_file_that_can_not_be_taken(
    ada: Browser, api: FakeApi, content: bytes, status: int, words: str
) -> None:
    task = api.add_task("ada@example.org", api.add_app("Reader"))
    form = (await ada.page(f"/tasks/{task['id']}")).form(f"/tasks/{task['id']}/proofs")
    answer = await ada.post(form.action, form.fields, files={"file": ("shot.png", content, "image/png")})
    assert answer.status_code == status
    assert words in Page(answer.text).text
    assert task["status"] == "started"


async def test_a_body_without_end_is_cut_off(ada: Browser, api: FakeApi) -> None:
    task = api.add_task("ada@example.org", api.add_app("Reader"))
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        while True:
            sent += 1
            yield b"x" * 65_536

    headers = {"Content-Type": "multipart/form-data; boundary=x", "Origin": ORIGIN}
    answer = await ada.http.post(f"/tasks/{task['id']}/proofs", content=endless(), headers=headers)
    assert answer.status_code == 413
    assert sent < 140


async def test_the_script_gets_its_answers_as_json(ada: Browser, api: FakeApi) -> None:
    task = api.add_task("ada@example.org", api.add_app("Reader"))
    form = (await ada.page(f"/tasks/{task['id']}")).form(f"/tasks/{task['id']}/proofs")
    as_json = {"Accept": "application/json"}
    refused = await ada.post(form.action, form.fields, files={"file": ("a", b"GIF")}, headers=as_json)
    assert (refused.status_code, refused.json()["words"]) == (415, "This is not a PNG, JPEG or WebP picture.")
    for _ in range(2):  # the answer of the first got lost, say
        taken = await ada.post(form.action, form.fields, files={"file": ("a.png", PNG)}, headers=as_json)
        assert (taken.status_code, taken.json()) == (201, {"next": f"/tasks/{task['id']}?notice=proof-sent"})
    assert len(api.proofs) == 1


async def test_an_upload_survives_the_renewal_of_the_token(ada: Browser, api: FakeApi) -> None:
    task = api.add_task("ada@example.org", api.add_app("Reader"))
    form = (await ada.page(f"/tasks/{task['id']}")).form(f"/tasks/{task['id']}/proofs")
    api.access.clear()
    answer = await ada.post(form.action, form.fields, files={"file": ("a.png", PNG + b"x" * 2_000_000)})
    assert answer.status_code == 303
    assert len(api.pictures[task["proof_id"]]) == len(PNG) + 2_000_000


async def test_an_upload_of_somebody_who_is_signed_out_is_not_read(browser: Browser) -> None:
    path = "/tasks/00000000-0000-7000-8000-000000000000/proofs"
    assert (await browser.post(path, {"a": "b"}, files={"file": b"x"})).headers["location"].startswith("/login")


async def test_tasks_are_listed_by_state(ada: Browser, api: FakeApi) -> None:
    assert "You have no tasks yet" in (await ada.page("/tasks")).text
    api.add_task("ada@example.org", api.add_app("Reader"), "approved")
    api.add_task("ada@example.org", api.add_app("Clock"), "started")
    page = await ada.page("/tasks?status=approved")
    assert "Reader" in page.text
    assert "Clock" not in page.text
    assert [tag.attributes["href"] for tag in page.tags if tag.attributes.get("aria-current") == "page"] == [
        "/tasks", "/tasks?status=approved",
    ]  # fmt: skip
    assert "No task in this state" in (await ada.page("/tasks?status=expired")).text


async def test_a_task_can_be_given_up(ada: Browser, api: FakeApi) -> None:
    task = api.add_task("ada@example.org", api.add_app("Reader"))
    answer = await ada.submit(f"/tasks/{task['id']}", f"/tasks/{task['id']}/cancel")
    assert "You have given the task up." in (await ada.follow(answer)).text
    assert task["status"] == "cancelled"


async def test_giving_up_too_late_is_told(ada: Browser, api: FakeApi) -> None:
    task = api.add_task("ada@example.org", api.add_app("Reader"))
    path = f"/tasks/{task['id']}"
    api.fail("POST", f"/api/v1{path}/cancel", failure(409, "task-not-started", "No"))
    answer = await ada.submit(path, f"{path}/cancel")
    assert answer.status_code == 409
    assert "can be given up" in Page(answer.text).text


async def test_pictures_are_passed_on_with_care(ada: Browser, browser: Browser, api: FakeApi) -> None:
    task = api.add_task("ada@example.org", api.add_app("Reader"))
    api.add_proof(task)
    path = f"/proofs/{task['proof_id']}/image"
    answer = await ada.get(path)
    assert answer.content == PNG
    assert answer.headers["content-type"] == "image/png"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "private, no-cache"
    assert (await ada.get(path, **{"If-None-Match": answer.headers["etag"]})).status_code == 304
    assert (await ada.get(f"/proofs/{task['proof_id']}/anything")).status_code == 404
    assert (await ada.get("/proofs/00000000-0000-7000-8000-000000000000/image")).status_code == 404
    assert (await browser.get(path)).status_code == 303


async def test_points_without_any_say_how_to_get_some(ada: Browser, api: FakeApi) -> None:
    assert "Nothing here yet" in (await ada.page("/points")).text
    api.add_entry("Reader", 1250)
    api.add_entry("Correction", -50, kind="unknown.kind")
    page = await ada.page("/points")
    assert "1,200" in page.text
    assert "\N{MINUS SIGN}50" in page.text


async def test_times_are_told_in_utc_and_for_machines(ada: Browser, api: FakeApi) -> None:
    api.add_entry("Reader", 5)
    page = await ada.page("/points")
    assert [tag.attributes["datetime"] for tag in page.tags if tag.name == "time"] == ["2026-11-20T09:30:00Z"]
    assert "20 Nov 2026, 09:30 UTC" in page.text
