"""A person's events, through the gateway."""

import json
import secrets
from collections.abc import Iterator

import httpx
import pytest
from running_platform import Account, Platform, new_account

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("platform")]


def _events(answer: httpx.Response) -> Iterator[dict[str, str]]:
    """The frames as they come, each with its fields."""
    assert answer.status_code == 200, answer.read()
    fields: dict[str, str] = {}
    for line in answer.iter_lines():
        name, _, value = line.partition(": ")
        if line:
            fields[name] = value
        elif fields:
            yield fields
            fields = {}


def test_a_person_sees_the_task_move_and_misses_nothing_when_the_line_is_cut(
    platform: Platform, reviewer: Account, screenshot: bytes
) -> None:
    user = new_account(platform, f"eve-{secrets.token_hex(4)}@example.org", "a long enough password")
    app = user.get("/api/v1/apps").json()["items"][0]
    with user.http.stream("GET", "/api/v1/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        frames = _events(answer)
        assert "retry" in next(frames)  # it is here while the answer goes on: nothing on the way collects it
        task = user.post("/api/v1/tasks", {"app_id": app["id"]}).json()
        started = next(frames)
        assert (started["event"], json.loads(started["data"])["status"]) == ("task.updated", "started")

    files = {"file": ("screen.png", screenshot, "image/png")}
    assert user.post(f"/api/v1/tasks/{task['id']}/proofs", files=files).status_code == 201
    assert reviewer.post(f"/api/v1/reviews/{task['id']}/decision", {"decision": "approve"}).status_code == 200

    with user.http.stream("GET", "/api/v1/events", headers={"Last-Event-ID": started["id"]}) as answer:
        frames = _events(answer)
        next(frames)
        missed = [next(frames) for _ in range(3)]
    told = {frame["event"]: json.loads(frame["data"]) for frame in missed}
    assert json.loads(missed[0]["data"])["status"] == "submitted"
    assert told["task.updated"]["status"] == "approved"
    assert told["points.updated"] == user.get("/api/v1/points").json()


def test_signing_out_ends_the_stream(platform: Platform) -> None:
    user = new_account(platform, f"eve-{secrets.token_hex(4)}@example.org", "a long enough password")
    with user.http.stream("GET", "/api/v1/events") as answer:
        frames = _events(answer)
        next(frames)
        assert user.post("/api/v1/auth/logout").status_code == 204
        assert list(frames) == []


def test_asking_for_the_head_of_the_stream_holds_nothing_up(platform: Platform) -> None:
    user = new_account(platform, f"eve-{secrets.token_hex(4)}@example.org", "a long enough password")
    for _ in range(3):
        assert user.http.head("/api/v1/events").status_code == 200
        assert user.get("/api/v1/points").status_code == 200
