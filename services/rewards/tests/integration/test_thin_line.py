"""The main job, from the start of a task to the points on the statement."""

from typing import Any

import pytest

pytestmark = pytest.mark.integration


async def test_a_task_is_started_proved_approved_and_paid(person: Any, offered: Any) -> None:
    user, reviewer, admin = person(), person("reviewer"), person("admin")
    app = offered(points=250)

    started = await user.start(app)
    assert started.status_code == 201
    task = started.json()
    assert started.headers["Location"] == f"/api/v1/tasks/{task['id']}"
    assert (task["status"], task["points"], task["attempts_left"]) == ("started", 250, 3)

    sent = await user.send_proof(task["id"])
    assert sent.status_code == 201
    assert sent.json() | {"id": None, "created_at": None} == {
        "id": None, "task_id": task["id"], "attempt": 1, "width": 360, "height": 640, "created_at": None,
    }  # fmt: skip
    assert (await user.points()) == {"balance": 0, "pending": 250, "lifetime_earned": 0}

    queue = (await reviewer.get("/api/v1/reviews")).json()["items"]
    assert [item["task"]["id"] for item in queue] == [task["id"]]
    decided = await reviewer.decide(task["id"], decision="approve")
    assert decided.status_code == 200
    assert decided.json()["task"]["status"] == "approved"

    assert (await user.points()) == {"balance": 250, "pending": 0, "lifetime_earned": 250}
    entry = (await user.get("/api/v1/points/entries")).json()["items"][0]
    assert entry | {"created_at": None} == {
        "transaction_id": decided.json()["transaction_id"], "kind": "task.approve", "description": "Example Reader",
        "points": 250, "balance_after": 250, "task_id": task["id"], "created_at": None,
    }  # fmt: skip
    summary = (await user.get("/api/v1/me/summary")).json()
    assert (summary["name"], summary["points"], summary["tasks_completed"]) == ("Ada", 250, 1)

    again = await reviewer.decide(task["id"], decision="approve")
    assert (again.status_code, again.json()["code"]) == (409, "already-decided")
    assert (await user.points())["balance"] == 250
    verified = (await admin.get("/api/v1/points/verify")).json()
    assert verified["ok"] is True
    assert (verified["transactions"], verified["entries"], verified["sum"]) == (1, 2, 0)
