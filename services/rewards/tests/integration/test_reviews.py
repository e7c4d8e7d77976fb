"""The queue, leases and decisions."""

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

pytestmark = pytest.mark.integration


def _refused(answer: Any) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


async def test_the_longest_wait_comes_first_page_by_page(person: Any, offered: Any) -> None:
    reviewer, app = person("reviewer"), offered()
    waiting = [await person().submitted_task(app) for _ in range(5)]
    seen, path = [], "/api/v1/reviews?sort=age&limit=2"
    while path:
        page = await reviewer.get(path)
        seen += [item["task"]["id"] for item in page.json()["items"]]
        path = page.links["next"]["url"] if page.json()["next_cursor"] else ""
    assert seen == waiting


async def test_only_what_waits_for_a_decision_is_in_the_queue(person: Any, offered: Any) -> None:
    user, reviewer = person(), person("reviewer")
    await user.start(offered())
    task_id = await user.submitted_task(offered())
    assert [item["task"]["id"] for item in (await reviewer.get("/api/v1/reviews")).json()["items"]] == [task_id]
    await reviewer.decide(task_id, decision="approve")
    assert (await reviewer.get("/api/v1/reviews")).json()["items"] == []


@pytest.mark.parametrize("role", ["user", "admin"])
async def test_only_reviewers_review(person: Any, offered: Any, role: str) -> None:
    task_id = await person().submitted_task(offered())
    caller = person(role)
    for answer in (
        await caller.get("/api/v1/reviews"),
        await caller.post(f"/api/v1/reviews/{task_id}/lease"),
        await caller.decide(task_id, decision="approve"),
    ):
        assert _refused(answer) == (403, "forbidden")


async def test_nobody_reviews_a_task_of_their_own(person: Any, offered: Any) -> None:
    both = person("user", "reviewer")
    task_id = await both.submitted_task(offered())
    assert (await both.get("/api/v1/reviews")).json()["items"] == []
    assert _refused(await both.post(f"/api/v1/reviews/{task_id}/lease")) == (403, "own-task")
    assert _refused(await both.decide(task_id, decision="approve")) == (403, "own-task")
    assert (await both.points())["balance"] == 0


async def test_a_leased_task_is_decided_by_its_holder_only(person: Any, offered: Any) -> None:
    holder, other = person("reviewer"), person("reviewer")
    task_id = await person().submitted_task(offered())
    lease = (await holder.post(f"/api/v1/reviews/{task_id}/lease")).json()
    assert lease["task_id"] == task_id
    assert _refused(await other.post(f"/api/v1/reviews/{task_id}/lease")) == (423, "leased")
    assert _refused(await other.decide(task_id, decision="approve")) == (423, "leased")
    item = (await other.get("/api/v1/reviews")).json()["items"][0]
    assert item["lease"] == {"reviewer_id": str(holder.id), "expires_at": lease["expires_at"]}
    renewed = (await holder.post(f"/api/v1/reviews/{task_id}/lease")).json()
    assert renewed["expires_at"] > lease["expires_at"]
    assert (await holder.decide(task_id, decision="approve")).status_code == 200


async def test_a_lease_that_has_ended_holds_nobody_off(person: Any, offered: Any, sql: asyncpg.Connection) -> None:
    holder, other = person("reviewer"), person("reviewer")
    task_id = await person().submitted_task(offered())
    await holder.post(f"/api/v1/reviews/{task_id}/lease")
    await sql.execute("UPDATE task SET leased_until = now()")
    assert (await other.get("/api/v1/reviews")).json()["items"][0]["lease"] is None
    assert (await other.post(f"/api/v1/reviews/{task_id}/lease")).status_code == 200
    assert _refused(await holder.decide(task_id, decision="approve")) == (423, "leased")


async def test_of_twenty_who_ask_one_gets_the_lease(person: Any, offered: Any) -> None:
    task_id = await person().submitted_task(offered())
    reviewers = [person("reviewer") for _ in range(20)]
    answers = await asyncio.gather(*(reviewer.post(f"/api/v1/reviews/{task_id}/lease") for reviewer in reviewers))
    codes = [answer.status_code for answer in answers]
    assert (codes.count(200), codes.count(423)) == (1, 19)


async def test_fifty_approvals_at_once_pay_once(person: Any, offered: Any, sql: asyncpg.Connection) -> None:
    user = person()
    task_id = await user.submitted_task(offered(points=250))
    reviewers = [person("reviewer") for _ in range(50)]
    answers = await asyncio.gather(*(reviewer.decide(task_id, decision="approve") for reviewer in reviewers))
    codes = [answer.status_code for answer in answers]
    assert (codes.count(200), codes.count(409)) == (1, 49)
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"already-decided"}
    assert await user.points() == {"balance": 250, "pending": 0, "lifetime_earned": 250}
    assert await sql.fetchval("SELECT count(*) FROM transaction") == 1


async def test_first_approvals_of_many_tasks_at_once_open_one_account(person: Any, offered: Any) -> None:
    user, reviewer = person(), person("reviewer")
    tasks = [await user.submitted_task(offered(points=10)) for _ in range(10)]
    answers = await asyncio.gather(*(reviewer.decide(task_id, decision="approve") for task_id in tasks))
    assert {answer.status_code for answer in answers} == {200}
    assert (await user.points())["balance"] == 100
    lines = (await user.get("/api/v1/points/entries")).json()["items"]
    assert [line["balance_after"] for line in lines] == list(range(100, 0, -10))
    assert (await person("admin").get("/api/v1/points/verify")).json()["ok"] is True


async def test_approving_and_rejecting_at_once_leaves_one_outcome(person: Any, offered: Any) -> None:
    user, first, second = person(), person("reviewer"), person("reviewer")
    for _ in range(10):
        task_id = await user.submitted_task(offered(points=1))
        before = (await user.points())["balance"]
        answers = await asyncio.gather(
            first.decide(task_id, decision="approve"),
            second.decide(task_id, decision="reject", reason_code="wrong_app"),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        status = (await user.get(f"/api/v1/tasks/{task_id}")).json()["status"]
        assert status == ("approved" if answers[0].status_code == 200 else "rejected")
        assert (await user.points())["balance"] == before + (status == "approved")


async def test_a_rejected_task_says_why_and_may_be_tried_three_times(person: Any, offered: Any) -> None:
    user, reviewer, app = person(), person("reviewer"), offered()
    task_id = (await user.start(app)).json()["id"]
    for left in (2, 1, 0):
        assert (await user.send_proof(task_id)).status_code == 201
        decided = await reviewer.decide(task_id, decision="reject", reason_code="not_open", note="Open it first.")
        assert decided.json()["transaction_id"] is None
        task = (await user.get(f"/api/v1/tasks/{task_id}")).json()
        assert task == decided.json()["task"]
        assert (task["status"], task["attempts_left"]) == ("rejected", left)
        assert task["last_rejection"] == {"reason_code": "not_open", "note": "Open it first."}
    assert _refused(await user.send_proof(task_id)) == (409, "proof-not-expected")
    assert _refused(await user.start(app)) == (409, "task-exists")


async def test_a_rejected_task_can_still_be_approved(person: Any, offered: Any) -> None:
    user, reviewer = person(), person("reviewer")
    task_id = await user.submitted_task(offered(points=70))
    await reviewer.decide(task_id, decision="reject", reason_code="unreadable")
    assert (await user.send_proof(task_id)).status_code == 201
    assert (await reviewer.decide(task_id, decision="approve")).status_code == 200
    assert (await user.points())["balance"] == 70


async def test_a_decision_on_an_older_proof_is_refused(person: Any, offered: Any) -> None:
    user, reviewer, late = person(), person("reviewer"), person("reviewer")
    task_id = (await user.start(offered())).json()["id"]
    seen = (await user.send_proof(task_id)).json()["id"]
    await reviewer.decide(task_id, decision="reject", reason_code="unreadable")
    newer = (await user.send_proof(task_id)).json()["id"]
    assert _refused(await late.decide(task_id, decision="approve", proof_id=seen)) == (409, "proof-superseded")
    assert (await late.decide(task_id, decision="approve", proof_id=newer)).status_code == 200


async def test_what_waits_for_nothing_can_not_be_decided(person: Any, offered: Any) -> None:
    user, reviewer = person(), person("reviewer")
    task_id = (await user.start(offered())).json()["id"]
    assert _refused(await reviewer.decide(task_id, decision="approve")) == (409, "nothing-to-review")
    assert _refused(await reviewer.post(f"/api/v1/reviews/{task_id}/lease")) == (409, "nothing-to-review")
    assert _refused(await reviewer.decide(str(uuid4()), decision="approve")) == (404, "task-not-found")
    assert _refused(await reviewer.post(f"/api/v1/reviews/{uuid4()}/lease")) == (404, "task-not-found")


async def test_a_decided_task_can_not_be_leased(person: Any, offered: Any) -> None:
    reviewer = person("reviewer")
    task_id = await person().submitted_task(offered())
    await reviewer.decide(task_id, decision="approve")
    assert _refused(await reviewer.post(f"/api/v1/reviews/{task_id}/lease")) == (409, "already-decided")


@pytest.mark.parametrize(
    ("decision", "pointer"),
    [
        ({"decision": "maybe"}, "/decision"),
        ({"decision": "reject"}, "/reason_code"),
        ({"decision": "reject", "reason_code": "ugly"}, "/reason_code"),
        ({"decision": "approve", "reason_code": "edited"}, "/reason_code"),
        ({"decision": "reject", "reason_code": "other"}, "/note"),
        ({"decision": "reject", "reason_code": "other", "note": "  "}, "/note"),
        ({"decision": "approve", "note": "x" * 1001}, "/note"),
        ({"decision": "approve", "points": 5}, "/points"),
    ],
)
async def test_a_decision_that_makes_no_sense_is_refused(
    person: Any, offered: Any, decision: dict[str, Any], pointer: str
) -> None:
    task_id = await person().submitted_task(offered())
    answer = await person("reviewer").decide(task_id, **decision)
    assert _refused(answer) == (422, "validation-error")
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


async def test_every_reason_can_be_given(person: Any, offered: Any) -> None:
    reviewer = person("reviewer")
    for reason in ("wrong_app", "not_open", "unreadable", "duplicate", "edited", "other"):
        task_id = await person().submitted_task(offered())
        decided = await reviewer.decide(task_id, decision="reject", reason_code=reason, note="Because.")
        assert decided.json()["task"]["last_rejection"]["reason_code"] == reason
