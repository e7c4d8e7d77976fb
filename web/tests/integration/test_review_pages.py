"""The reviewer's pages: opening, deciding, taking back."""

import asyncio
from typing import Any

import pytest
from api_for_pages import FakeApi, failure
from fastapi import FastAPI
from plain_browser import Browser, Page, until

pytestmark = pytest.mark.integration


@pytest.fixture
def waiting(api: FakeApi) -> dict[str, Any]:
    """A task with a proof that waits."""
    task = api.add_task("ada@example.org", api.add_app("Reader", 250))
    api.add_proof(task)
    return task


@pytest.fixture
def another(api: FakeApi, waiting: dict[str, Any]) -> dict[str, Any]:
    """A second one."""
    task = api.add_task("ada@example.org", api.add_app("Clock", 50))
    api.add_proof(task)
    return task


async def test_an_empty_queue_says_so(reviewer: Browser) -> None:
    assert "Nothing waits" in (await reviewer.page("/review")).text


async def test_opening_reserves_and_shows_until_when(reviewer: Browser, api: FakeApi, waiting: dict[str, Any]) -> None:
    page = await reviewer.page("/review")
    assert f"/proofs/{waiting['proof_id']}/thumbnail" in page.html
    assert api.leases == {}
    opened = await reviewer.follow(await reviewer.submit("/review", f"/review/{waiting['id']}"))
    assert waiting["id"] in api.leases
    assert "Reserved for you until" in opened.text
    assert "3 approved, 1 rejected" in opened.text
    assert "The same person handed it in before" in opened.text


async def test_a_task_that_another_reviewer_has_stays_in_the_queue(
    reviewer: Browser, api: FakeApi, waiting: dict[str, Any]
) -> None:
    api.fail("POST", f"/api/v1/reviews/{waiting['id']}/lease", failure(423, "leased", "Held"))
    answer = await reviewer.submit("/review", f"/review/{waiting['id']}")
    assert answer.status_code == 423
    assert "Another reviewer has this one open" in Page(answer.text).text


async def test_going_on_gives_the_one_that_is_left_back(
    reviewer: Browser, api: FakeApi, waiting: dict[str, Any], another: dict[str, Any]
) -> None:
    await reviewer.submit("/review", f"/review/{waiting['id']}")
    following = await reviewer.submit(f"/review/{waiting['id']}", f"/review/{another['id']}")
    assert "Clock" in (await reviewer.follow(following)).text
    assert set(api.leases) == {another["id"]}


async def test_a_decision_leads_on_to_the_next_one(
    reviewer: Browser, api: FakeApi, waiting: dict[str, Any], another: dict[str, Any]
) -> None:
    path = f"/review/{waiting['id']}"
    answer = await reviewer.submit(path, f"{path}/decision", decision="approve")
    assert answer.headers["location"].startswith(f"/review/{another['id']}")
    await until(lambda: api.entries)
    assert waiting["status"] == "approved"


async def test_a_page_that_comes_too_late_for_the_undo_still_tells_the_decision(
    reviewer: Browser, waiting: dict[str, Any], another: dict[str, Any]
) -> None:
    path = f"/review/{waiting['id']}"
    decided = await reviewer.submit(path, f"{path}/decision", decision="approve")
    shown = ["Undo"]
    async with asyncio.timeout(30):
        while "Undo" in shown[-1]:
            shown.append((await reviewer.page("/review")).text)
    assert "Approved." not in shown[-1]
    assert "Approved." in (await reviewer.follow(decided)).text


async def test_a_reject_gives_the_reason(reviewer: Browser, waiting: dict[str, Any]) -> None:
    path = f"/review/{waiting['id']}"
    verdict = {"decision": "reject", "reason_code": "wrong_app", "note": "A clock,\r\nnot a reader."}
    await reviewer.follow(await reviewer.submit(path, f"{path}/decision", **verdict))
    await until(lambda: waiting["last_rejection"])
    assert waiting["last_rejection"] == {"reason_code": "wrong_app", "note": "A clock,\nnot a reader."}


@pytest.mark.parametrize(
    ("typed", "words"),
    [({"reason_code": "other"}, "Say in a few words what is wrong."), ({"note": "Why?"}, "Choose a reason.")],
)
async def test_a_reject_without_its_reason_keeps_what_was_typed(
    reviewer: Browser, waiting: dict[str, Any], typed: dict[str, str], words: str
) -> None:
    path = f"/review/{waiting['id']}"
    answer = await reviewer.submit(path, f"{path}/decision", decision="reject", **typed)
    page = Page(answer.text)
    assert answer.status_code == 422
    assert words in page.text
    assert page.form(f"{path}/decision").fields.items() >= typed.items()


@pytest.mark.parametrize("undo_seconds", [60])
async def test_a_decision_is_taken_back(reviewer: Browser, api: FakeApi, waiting: dict[str, Any]) -> None:
    path = f"/review/{waiting['id']}"
    decided = await reviewer.follow(await reviewer.submit(path, f"{path}/decision", decision="approve"))
    assert "Approved: Reader." in decided.text
    assert "Nothing waits" in decided.text
    form = decided.form("/review/undo")
    back = await reviewer.follow(await reviewer.post(form.action, form.fields))
    assert "Taken back. Nothing was decided." in back.text
    assert waiting["status"] == "submitted"
    assert api.seen[f"POST /api/v1/reviews/{waiting['id']}/decision"] == 0
    late = await reviewer.post(form.action, form.fields)
    assert late.status_code == 409
    assert "too late" in Page(late.text).text


@pytest.mark.parametrize("undo_seconds", [60])
async def test_nobody_takes_back_what_somebody_else_decided(
    app: FastAPI, api: FakeApi, reviewer: Browser, waiting: dict[str, Any]
) -> None:
    api.users["adam@example.org"]["roles"] = ["user", "reviewer"]
    path = f"/review/{waiting['id']}"
    decided = await reviewer.follow(await reviewer.submit(path, f"{path}/decision", decision="approve"))
    other = await Browser(app).sign_in("adam@example.org")
    own_form = (await other.page(path)).form(f"{path}/decision")
    stolen = {**own_form.fields, "batch": decided.form("/review/undo").fields["batch"]}
    assert (await other.post("/review/undo", stolen)).status_code == 409
    assert "Approved: Reader." in (await reviewer.page("/review")).text


@pytest.mark.parametrize("undo_seconds", [60])
async def test_signing_out_sends_what_was_decided(reviewer: Browser, api: FakeApi, waiting: dict[str, Any]) -> None:
    path = f"/review/{waiting['id']}"
    decided = await reviewer.follow(await reviewer.submit(path, f"{path}/decision", decision="approve"))
    await reviewer.post("/logout", decided.form("/logout").fields)
    assert len(api.entries) == 1


async def test_several_clicks_are_one_decision(reviewer: Browser, api: FakeApi, waiting: dict[str, Any]) -> None:
    path = f"/review/{waiting['id']}"
    form = (await reviewer.page(path)).form(f"{path}/decision")
    click = {**form.fields, "decision": "approve"}
    answers = await asyncio.gather(*(reviewer.post(form.action, click) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {303}
    await until(lambda: api.entries)
    assert len(api.entries) == 1
    assert (await reviewer.get(path)).status_code == 404


async def test_a_decision_that_the_api_refuses_is_told(
    reviewer: Browser, api: FakeApi, waiting: dict[str, Any]
) -> None:
    address = f"/api/v1/reviews/{waiting['id']}/decision"
    api.fail("POST", address, failure(409, "already-decided", "Already decided"))
    path = f"/review/{waiting['id']}"
    await reviewer.submit(path, f"{path}/decision", decision="approve")
    await until(lambda: api.seen[f"POST {address}"])
    shown: list[str] = []
    async with asyncio.timeout(10):
        while not any("Your decision on Reader was not taken." in text for text in shown):
            shown.append((await reviewer.page("/review")).text)
    assert "decided already" in shown[-1]
    assert "was not taken" not in (await reviewer.page("/review")).text


@pytest.mark.parametrize("undo_seconds", [60])
async def test_several_at_once_are_decided_and_taken_back_together(
    reviewer: Browser, api: FakeApi, waiting: dict[str, Any], another: dict[str, Any]
) -> None:
    ticked = {f"task-{task['id']}": task["proof_id"] for task in (waiting, another)}
    page = await reviewer.follow(
        await reviewer.submit("/review", "/review/decisions", **ticked, decision="reject", reason_code="not_open")
    )
    assert "2 rejected." in page.text
    form = page.form("/review/undo")
    assert "Reader" in (await reviewer.follow(await reviewer.post(form.action, form.fields))).text
    assert api.seen["POST /api/v1/reviews/decisions"] == 0


@pytest.mark.parametrize(
    ("ticked", "typed", "words"),
    [(False, {"decision": "approve"}, "Choose at least one"), (True, {"decision": "reject"}, "Choose a reason.")],
)
async def test_what_misses_for_several_is_told(
    reviewer: Browser, waiting: dict[str, Any], *, ticked: bool, typed: dict[str, str], words: str
) -> None:
    chosen = {f"task-{waiting['id']}": waiting["proof_id"]} if ticked else {}
    form = (await reviewer.page("/review")).form("/review/decisions")
    sent = {name: value for name, value in form.fields.items() if not name.startswith("task-")}
    answer = await reviewer.post(form.action, {**sent, **chosen, **typed})
    assert answer.status_code == 422
    assert words in Page(answer.text).text


async def test_similar_screenshots_stand_side_by_side(reviewer: Browser, api: FakeApi, waiting: dict[str, Any]) -> None:
    api.matches.append({
        "kind": "same_pixels", "distance": 0, "proof_id": waiting["proof_id"], "task_id": waiting["id"],
        "user_id": waiting["user_id"], "app_name": "Reader", "status": "approved",
    })  # fmt: skip
    page = await reviewer.page(f"/review/{waiting['id']}?compare={waiting['proof_id']}")
    assert "The very same pixels" in page.text
    assert "same person" in page.text
    assert page.html.count(f"/proofs/{waiting['proof_id']}/image") == 2


async def test_statistics(reviewer: Browser) -> None:
    page = await reviewer.page("/review/statistics?period=week")
    assert "1,234" in page.text
    assert "81 %" in page.text
    assert "You" in page.text
