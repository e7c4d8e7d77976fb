"""The reviewers' queue: its two orders, page by page, and what stands beside each task."""

import asyncio
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from PIL import Image

pytestmark = pytest.mark.integration


async def _queue(reviewer: Any, **params: Any) -> list[dict[str, Any]]:
    """The whole queue, page by page."""
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        answer = await reviewer.get("/api/v1/reviews", params={**params, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["items"]
        cursor = page["next_cursor"]
        assert (cursor is not None) == ("Link" in answer.headers)
        if cursor is None:
            return items


def _ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["task"]["id"] for item in items]


async def _made_up(sql: asyncpg.Connection, count: int) -> list[str]:
    """So many waiting tasks of as many people, of as many different pictures, one sent each second."""
    rows = await sql.fetch(
        """
        WITH made AS (
            INSERT INTO task (user_id, app_id, app_name, package_name, points, expires_at)
            SELECT uuidv7(interval '-1 year'), uuidv7(), 'App ' || number, 'org.example', 10, now() + interval '1 day'
            FROM generate_series(1, $1) AS number RETURNING id, app_id),
        sent AS (
            INSERT INTO proof (task_id, app_id, attempt, file_sha256, pixels_sha256, dhash, image_sha256,
                thumbnail_sha256, width, height)
            SELECT id, app_id, 1, id, id, 0, id, id, 400, 400 FROM made RETURNING id, task_id)
        SELECT id, task_id FROM sent ORDER BY task_id""",
        count,
    )
    await sql.executemany(
        "UPDATE task SET status = 'submitted', attempts = 1, proof_id = $1, submitted_at = $3 WHERE id = $2",
        [(row["id"], row["task_id"], datetime.now(UTC) + timedelta(seconds=n)) for n, row in enumerate(rows)],
    )
    return [str(row["task_id"]) for row in rows]


def _page_of(seed: int) -> Image.Image:
    """Something with as much structure as a screen."""
    cells = bytes((seed * 7919 + number * number * 31) % 251 for number in range(48))
    return Image.frombytes("L", (6, 8), cells).resize((360, 640)).convert("RGB")


def _encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


@pytest.mark.parametrize("order", ["age", "risk"])
async def test_every_page_size_gives_the_whole_queue_in_order(person: Any, sql: asyncpg.Connection, order: str) -> None:
    tasks = await _made_up(sql, 23)
    reviewer = person("reviewer")
    for limit in (1, 5, 23, 200):
        assert _ids(await _queue(reviewer, sort=order, limit=limit)) == tasks


@pytest.mark.parametrize("order", ["age", "risk"])
async def test_nothing_is_skipped_or_repeated_while_the_queue_changes(
    person: Any, offered: Any, sql: asyncpg.Connection, order: str
) -> None:
    tasks = await _made_up(sql, 12)
    reviewer, other = person("reviewer"), person("reviewer")
    first = (await reviewer.get("/api/v1/reviews", params={"sort": order, "limit": 5})).json()
    for task_id in (*tasks[:3], tasks[6]):
        assert (await other.decide(task_id, decision="approve")).status_code == 200
    await sql.execute("UPDATE task SET submitted_at = now() + interval '1 hour' WHERE id = $1", UUID(tasks[8]))
    rest = await _queue(reviewer, sort=order, limit=5, cursor=first["next_cursor"])
    assert _ids(first["items"]) == tasks[:5]
    assert _ids(rest) == [tasks[5], tasks[7], *tasks[9:], tasks[8]]


async def test_a_cursor_belongs_to_its_order_and_its_reviewer(person: Any, sql: asyncpg.Connection) -> None:
    await _made_up(sql, 3)
    reviewer = person("reviewer")
    cursor = (await reviewer.get("/api/v1/reviews", params={"limit": 1})).json()["next_cursor"]
    for caller, params in (
        (reviewer, {"sort": "risk", "cursor": cursor}),
        (person("reviewer"), {"cursor": cursor}),
        (reviewer, {"cursor": cursor[:-2] + "xx"}),
        (reviewer, {"sort": "points"}),
    ):
        assert (await caller.get("/api/v1/reviews", params=params)).status_code == 422


async def test_the_record_counts_what_was_decided_before(person: Any, offered: Any) -> None:
    user, reviewer = person(), person("reviewer")
    for decision in ({"decision": "approve"}, {"decision": "reject", "reason_code": "not_open"}):
        await reviewer.decide(await user.submitted_task(offered()), **decision)
    await reviewer.decide(await person().submitted_task(offered()), decision="approve")
    await user.submitted_task(offered())
    item = (await _queue(reviewer))[0]
    assert item["record"] == {"approved": 1, "rejected": 1, "reversed": 0}


async def test_re_used_pictures_are_hinted_at_with_their_tasks(
    person: Any, offered: Any, picture: Callable[..., bytes]
) -> None:
    same_pixels = _encoded(Image.open(io.BytesIO(picture())), "WEBP", lossless=True)
    people = [person() for _ in range(4)]
    contents = (picture(), picture(), same_pixels, picture(colour=(1, 2, 3)))
    tasks = [await user.submitted_task(offered(), content) for user, content in zip(people, contents, strict=True)]
    items = await _queue(person("reviewer"))
    assert [(item["hints"]["same_file"], item["hints"]["same_pixels"]) for item in items] == [
        (1, 2), (1, 2), (0, 2), (0, 0),
    ]  # fmt: skip
    found = [[(match["kind"], match["task_id"]) for match in item["hints"]["matches"]] for item in items]
    assert found == [
        [("same_pixels", tasks[2]), ("same_file", tasks[1])],
        [("same_pixels", tasks[2]), ("same_file", tasks[0])],
        [("same_pixels", tasks[1]), ("same_pixels", tasks[0])],
        [],
    ]
    match = items[0]["hints"]["matches"][0]
    assert (match["user_id"], match["status"], match["distance"]) == (str(people[2].id), "submitted", 0)


async def test_what_looks_alike_is_listed_nearest_first_for_the_same_app_only(person: Any, offered: Any) -> None:
    app, other_app, screen = offered(), offered(), _page_of(1)
    await person().submitted_task(app, _encoded(screen, "JPEG", quality=70))
    await person().submitted_task(app, _encoded(screen.resize((540, 960)), "WEBP", quality=60))
    await person().submitted_task(app, _encoded(_page_of(5)))
    await person().submitted_task(other_app, _encoded(screen, "JPEG", quality=50))
    seen = await person().submitted_task(app, _encoded(screen))
    items = {item["task"]["id"]: item for item in await _queue(person("reviewer"))}
    hints = items[seen]["hints"]
    assert (hints["same_file"], hints["same_pixels"]) == (0, 0)
    assert [match["kind"] for match in hints["matches"]] == ["similar", "similar"]
    assert [match["distance"] for match in hints["matches"]] == sorted(match["distance"] for match in hints["matches"])
    assert {match["task_id"] for match in hints["matches"]} == set(list(items)[:2])


async def test_what_looks_alike_is_no_risk_and_five_of_it_are_listed(person: Any, offered: Any) -> None:
    app, screen = offered(), _page_of(2)
    for quality in range(40, 95, 8):
        await person().submitted_task(app, _encoded(screen, "JPEG", quality=quality))
    for item in await _queue(person("reviewer")):
        assert [match["kind"] for match in item["hints"]["matches"]] == ["similar"] * 5
        assert item["risk"] == {"score": 0, "signals": []}


async def test_the_risk_is_the_sum_of_its_signals_and_the_highest_comes_first(
    person: Any, offered: Any, sql: asyncpg.Connection, picture: Callable[..., bytes]
) -> None:
    reviewer, honest, repeating, copying, rejected = person("reviewer"), person(), person(), person(), person()
    for decision in ({"decision": "reject", "reason_code": "edited"}, {"decision": "approve"}, {"decision": "approve"}):
        colour = (len(decision), 7, await sql.fetchval("SELECT count(*) FROM proof"))
        await reviewer.decide(await rejected.submitted_task(offered(), picture(colour=colour)), **decision)
    expected = [
        (await honest.submitted_task(offered(), picture(colour=(1, 1, 1))), []),
        (await rejected.submitted_task(offered(), picture(colour=(2, 2, 2))), [("rejected_before", 6)]),
        (await repeating.submitted_task(offered(), picture(colour=(3, 3, 3))), [("repeated", 30)]),
        (await repeating.submitted_task(offered(), picture(colour=(3, 3, 3))), [("repeated", 30)]),
        (await copying.submitted_task(offered(), picture(colour=(1, 1, 1))), [("copied", 50)]),
    ]
    expected[0][1].append(("copied", 50))  # nobody can tell who of the two was first at the screen
    items = await _queue(reviewer, sort="risk", limit=2)
    found = [
        (item["task"]["id"], [(signal["code"], signal["points"]) for signal in item["risk"]["signals"]])
        for item in items
    ]
    assert found == [expected[number] for number in (0, 4, 2, 3, 1)]
    assert [item["risk"]["score"] for item in items] == [50, 50, 30, 30, 6]
    assert [item["risk"]["score"] for item in await _queue(reviewer)] == [50, 6, 30, 30, 50]


async def test_the_risk_is_that_of_now(
    person: Any, offered: Any, sql: asyncpg.Connection, picture: Callable[..., bytes]
) -> None:
    reviewer, user = person("reviewer"), person()
    decided = await user.submitted_task(offered(), picture(colour=(1, 1, 1)))
    waiting = await user.submitted_task(offered(), picture(colour=(2, 2, 2)))
    assert [item["risk"]["score"] for item in await _queue(reviewer, sort="risk")] == [0, 0]
    await reviewer.decide(decided, decision="reject", reason_code="edited")
    items = await _queue(reviewer, sort="risk")
    assert [(item["task"]["id"], item["risk"]["score"]) for item in items] == [(waiting, 20)]
    await person().submitted_task(offered(), picture(colour=(2, 2, 2)))
    assert [item["risk"]["score"] for item in await _queue(reviewer, sort="risk")] == [70, 50]


async def test_a_young_account_and_a_reversal_are_signals(person: Any, sql: asyncpg.Connection) -> None:
    young, old, reversed_before = await _made_up(sql, 3)
    await sql.execute("UPDATE task SET user_id = uuidv7() WHERE id = $1", UUID(young))
    await sql.execute(
        "UPDATE task SET user_id = (SELECT user_id FROM task WHERE id = $1) WHERE id = $2",
        UUID(old), UUID(reversed_before),
    )  # fmt: skip
    reviewer = person("reviewer")
    credit = (await reviewer.decide(old, decision="approve")).json()["transaction_id"]
    undone = await person("admin").post(f"/api/v1/points/transactions/{credit}/reverse", json={"reason": "A copy."})
    assert undone.status_code == 201
    items = await _queue(reviewer, sort="risk")
    assert [(item["task"]["id"], item["risk"]["score"]) for item in items] == [(reversed_before, 20), (young, 10)]
    assert items[0]["record"] == {"approved": 1, "rejected": 0, "reversed": 1}
    age = datetime.now(UTC) - datetime.fromisoformat(items[1]["account_created_at"])
    assert age < timedelta(minutes=5)


async def test_the_owner_sees_where_the_task_stands(person: Any, offered: Any, sql: asyncpg.Connection) -> None:
    ahead = await _made_up(sql, 3)
    await sql.execute("UPDATE task SET submitted_at = submitted_at - interval '1 hour'")
    user, reviewer = person(), person("reviewer")
    started = (await user.start(offered())).json()
    task_id = await user.submitted_task(offered())
    task = (await user.get(f"/api/v1/tasks/{task_id}")).json()
    assert (task["queue_position"], task["median_review_seconds"]) == (4, None)
    await sql.execute(
        "UPDATE proof SET created_at = created_at - interval '90 seconds' WHERE task_id = $1", UUID(ahead[0])
    )
    await reviewer.decide(ahead[0], decision="approve")
    task = (await user.get(f"/api/v1/tasks/{task_id}")).json()
    assert task["queue_position"] == 3
    assert 90 <= task["median_review_seconds"] < 150
    await reviewer.decide(task_id, decision="reject", reason_code="other", note="The clock is missing.")
    for over in (task_id, started["id"]):
        task = (await user.get(f"/api/v1/tasks/{over}")).json()
        assert (task["queue_position"], task["median_review_seconds"]) == (None, None)
    assert (await user.get(f"/api/v1/tasks/{task_id}")).json()["last_rejection"] == {
        "reason_code": "other", "note": "The clock is missing.",
    }  # fmt: skip


async def test_statistics_count_decisions_and_waits(person: Any, sql: asyncpg.Connection) -> None:
    busy, other = person("reviewer"), person("reviewer")
    nothing = (await busy.get("/api/v1/reviews/statistics")).json()
    assert nothing["reviewers"] == []
    assert nothing["total"] == {
        "decided": 0, "approved": 0, "rejected": 0, "approval_rate": None, "median_seconds": None,
    }  # fmt: skip
    tasks = await _made_up(sql, 5)
    for task_id in tasks[:2]:
        await busy.decide(task_id, decision="approve")
    await busy.decide(tasks[2], decision="reject", reason_code="edited")
    await other.decide(tasks[3], decision="approve")
    await sql.execute("UPDATE proof SET created_at = decided_at - interval '10 seconds' WHERE decided_at IS NOT NULL")
    await sql.execute(
        "UPDATE proof SET created_at = decided_at - interval '40 seconds' WHERE decided_by = $1", other.id
    )
    await sql.execute(
        "UPDATE proof SET decided_at = now() - interval '8 days', created_at = now() - interval '9 days' "
        "WHERE task_id = $1", UUID(tasks[0]),
    )  # fmt: skip
    month = (await busy.get("/api/v1/reviews/statistics")).json()
    assert month["period"] == "month"
    assert month["total"] == {
        "decided": 4, "approved": 3, "rejected": 1, "approval_rate": 0.75, "median_seconds": 25.0,
    }  # fmt: skip
    assert [(one["reviewer_id"], one["decided"]) for one in month["reviewers"]] == [
        (str(busy.id), 3), (str(other.id), 1),
    ]  # fmt: skip
    week = (await other.get("/api/v1/reviews/statistics", params={"period": "week"})).json()
    assert week["reviewers"][0] == {
        "reviewer_id": str(busy.id), "decided": 2, "approved": 1, "rejected": 1, "approval_rate": 0.5,
        "median_seconds": 10.0,
    }  # fmt: skip
    assert (await other.get("/api/v1/reviews/statistics", params={"period": "year"})).status_code == 422
    assert (await person().get("/api/v1/reviews/statistics")).status_code == 403


async def test_a_lease_that_is_given_back_is_free_at_once(person: Any, sql: asyncpg.Connection) -> None:
    (task_id,) = await _made_up(sql, 1)
    holder, other = person("reviewer"), person("reviewer")
    path = f"/api/v1/reviews/{task_id}/lease"
    assert (await holder.client.delete(path)).status_code == 204
    assert (await holder.post(path)).status_code == 200
    refused = await other.client.delete(path)
    assert (refused.status_code, refused.json()["code"]) == (423, "leased")
    assert (await holder.client.delete(path)).status_code == 204
    assert (await other.post(path)).status_code == 200
    assert (await other.client.delete(f"/api/v1/reviews/{uuid4()}/lease")).status_code == 404


async def test_a_lease_never_has_two_holders(person: Any, sql: asyncpg.Connection) -> None:
    """Twelve reviewers take, renew and give back one task, eight times each."""
    (task_id,) = await _made_up(sql, 1)
    path = f"/api/v1/reviews/{task_id}/lease"
    holders: set[UUID] = set()

    async def work(reviewer: Any) -> None:
        for _ in range(8):
            if (await reviewer.post(path)).status_code == 423:
                continue
            holders.add(reviewer.id)
            assert holders == {reviewer.id}
            assert (await reviewer.post(path)).status_code == 200
            holders.remove(reviewer.id)
            assert (await reviewer.client.delete(path)).status_code == 204

    await asyncio.gather(*(work(person("reviewer")) for _ in range(12)))
