"""Starting tasks, looking at them, giving them up, and what becomes of those that nobody finishes."""

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from rewards_service.clients.accounts import AccountInfo, FakeAccounts
from rewards_service.clients.catalog import FakeCatalog

pytestmark = pytest.mark.integration


def _refused(answer: Any) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


async def test_points_and_name_are_those_of_the_start(person: Any, offered: Any, catalog: FakeCatalog) -> None:
    user, app = person(), offered(points=250, name="Before")
    task = (await user.start(app)).json()
    catalog.apps[app.id] = app.model_copy(update={"points": 1, "name": "After", "status": "archived"})
    again = (await user.get(f"/api/v1/tasks/{task['id']}")).json()
    assert (again["points"], again["app_name"]) == (250, "Before")


async def test_one_app_is_started_once(person: Any, offered: Any) -> None:
    user, app = person(), offered()
    assert (await user.start(app)).status_code == 201
    assert _refused(await user.start(app)) == (409, "task-exists")
    assert (await user.start(offered())).status_code == 201
    assert (await person().start(app)).status_code == 201


async def test_the_tasks_of_some_apps_are_listed_page_by_page(person: Any, offered: Any) -> None:
    user, apps = person(), [offered() for _ in range(4)]
    for app in apps:
        await user.start(app)
    path = f"/api/v1/tasks?app_id={apps[0].id}&app_id={apps[2].id}"
    assert {task["app_id"] for task in (await user.get(path)).json()["items"]} == {str(apps[0].id), str(apps[2].id)}
    assert (await person().get(path)).json()["items"] == []
    first = (await user.get(f"{path}&limit=1")).json()
    rest = (await user.get(f"{path}&cursor={first['next_cursor']}")).json()
    assert [task["app_id"] for task in first["items"] + rest["items"]] == [str(apps[2].id), str(apps[0].id)]
    assert (await user.get(f"/api/v1/tasks?cursor={first['next_cursor']}")).status_code == 422
    assert (await user.get("/api/v1/tasks?app_id=none")).status_code == 422


async def test_an_unknown_or_unpublished_app_is_not_found(person: Any, offered: Any, catalog: FakeCatalog) -> None:
    app = offered()
    catalog.apps.clear()
    assert _refused(await person().start(app)) == (404, "app-not-found")


async def test_an_archived_app_is_gone(person: Any, offered: Any) -> None:
    assert _refused(await person().start(offered(status="archived"))) == (410, "app-archived")


async def test_without_the_catalogue_nothing_starts(person: Any, offered: Any, catalog: FakeCatalog) -> None:
    user, app = person(), offered()
    catalog.down = True
    answer = await user.start(app)
    assert _refused(answer) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    assert (await user.get("/api/v1/tasks")).json()["items"] == []


async def test_an_unverified_address_starts_nothing(person: Any, offered: Any, accounts: FakeAccounts) -> None:
    accounts.account = AccountInfo(name="Ada", email_verified=False)
    assert _refused(await person(email_verified=False).start(offered())) == (403, "email-not-verified")


async def test_a_token_from_before_the_verification_is_no_hindrance(
    person: Any, offered: Any, accounts: FakeAccounts
) -> None:
    assert (await person(email_verified=False).start(offered())).status_code == 201
    assert accounts.asked == 1
    assert (await person(email_verified=True).start(offered())).status_code == 201
    assert accounts.asked == 1


async def test_a_sold_out_app_is_gone_until_a_place_is_free(person: Any, offered: Any) -> None:
    app, first, second = offered(max_completions=1), person(), person()
    task = (await first.start(app)).json()
    assert _refused(await second.start(app)) == (410, "app-sold-out")
    assert _refused(await first.start(app)) == (409, "task-exists")
    await first.post(f"/api/v1/tasks/{task['id']}/cancel")
    assert (await second.start(app)).status_code == 201


async def test_fifty_people_race_for_five_places(person: Any, offered: Any) -> None:
    app = offered(max_completions=5)
    answers = await asyncio.gather(*(person().start(app) for _ in range(50)))
    codes = [answer.status_code for answer in answers]
    assert (codes.count(201), codes.count(410)) == (5, 45)


async def test_the_last_place_goes_to_one_of_fifty(person: Any, offered: Any) -> None:
    app = offered(max_completions=3)
    for _ in range(2):
        await person().start(app)
    answers = await asyncio.gather(*(person().start(app) for _ in range(50)))
    assert sorted(answer.status_code for answer in answers) == [201] + [410] * 49


async def test_the_places_of_a_day_come_back_at_midnight(person: Any, offered: Any, sql: asyncpg.Connection) -> None:
    app = offered(max_completions_per_day=2)
    answers = await asyncio.gather(*(person().start(app) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [201] * 2 + [410] * 18
    await sql.execute("UPDATE task SET created_at = date_trunc('day', now(), 'UTC') - interval '1 second'")
    assert (await person().start(app)).status_code == 201


@pytest.mark.parametrize(
    ("window", "status"),
    [
        ({"available_from": "2001-01-01T00:00:00Z", "available_until": "2099-01-01T00:00:00Z"}, 201),
        ({"available_from": "2099-01-01T00:00:00Z"}, 410),
        ({"available_until": "2001-01-01T00:00:00Z"}, 410),
    ],
)
async def test_an_app_is_started_within_its_window(
    person: Any, offered: Any, window: dict[str, str], status: int
) -> None:
    assert (await person().start(offered(**window))).status_code == status


async def test_a_rejected_task_gives_its_place_back_when_its_time_is_over(
    person: Any, offered: Any, sql: asyncpg.Connection
) -> None:
    app, user, reviewer = offered(max_completions=1), person(), person("reviewer")
    task_id = await user.submitted_task(app)
    await sql.execute("UPDATE task SET expires_at = now() + interval '1 minute'")
    await reviewer.decide(task_id, decision="reject", reason_code="edited")
    assert await sql.fetchval("SELECT expires_at > now() + interval '6 days' FROM task")
    assert _refused(await person().start(app)) == (410, "app-sold-out")
    await _let_time_pass(sql)
    assert _refused(await user.send_proof(task_id)) == (409, "proof-not-expected")
    assert (await user.get("/api/v1/me/summary")).json()["tasks_active"] == 0
    assert (await person().start(app)).status_code == 201


async def test_fifty_starts_at_once_make_one_task(person: Any, offered: Any) -> None:
    user, app = person(), offered()
    answers = await asyncio.gather(*(user.start(app) for _ in range(50)))
    codes = [answer.status_code for answer in answers]
    assert (codes.count(201), codes.count(409)) == (1, 49)
    assert len((await user.get("/api/v1/tasks")).json()["items"]) == 1


async def test_a_cancelled_task_can_be_started_again(person: Any, offered: Any) -> None:
    user, app = person(), offered()
    path = f"/api/v1/tasks/{(await user.start(app)).json()['id']}/cancel"
    cancelled = await user.post(path)
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert _refused(await user.post(path)) == (409, "task-not-started")
    assert (await user.start(app)).status_code == 201


async def test_a_submitted_task_can_not_be_cancelled(person: Any, offered: Any) -> None:
    user = person()
    task_id = await user.submitted_task(offered())
    assert _refused(await user.post(f"/api/v1/tasks/{task_id}/cancel")) == (409, "task-not-started")


async def _let_time_pass(sql: asyncpg.Connection) -> None:
    await sql.execute("UPDATE task SET expires_at = now() - interval '1 second'")


async def test_a_started_task_expires(person: Any, offered: Any, sql: asyncpg.Connection) -> None:
    user, app = person(), offered()
    task_id = (await user.start(app)).json()["id"]
    await _let_time_pass(sql)
    assert (await user.get(f"/api/v1/tasks/{task_id}")).json()["status"] == "expired"


@pytest.mark.parametrize("look", ["/api/v1/tasks?status=expired", "/api/v1/tasks"])
async def test_lists_show_an_expired_task_as_such(
    person: Any, offered: Any, sql: asyncpg.Connection, look: str
) -> None:
    user = person()
    await user.start(offered())
    await _let_time_pass(sql)
    assert [task["status"] for task in (await user.get(look)).json()["items"]] == ["expired"]
    assert (await user.get("/api/v1/tasks?status=started")).json()["items"] == []


async def test_an_expired_task_takes_no_proof_and_no_cancel(person: Any, offered: Any, sql: asyncpg.Connection) -> None:
    user = person()
    task_id = (await user.start(offered())).json()["id"]
    await _let_time_pass(sql)
    assert _refused(await user.send_proof(task_id)) == (409, "proof-not-expected")
    await sql.execute("UPDATE task SET status = 'started'")
    assert _refused(await user.post(f"/api/v1/tasks/{task_id}/cancel")) == (409, "task-not-started")


async def test_an_expired_task_frees_its_place_and_the_way_to_a_new_one(
    person: Any, offered: Any, sql: asyncpg.Connection
) -> None:
    app, user, other = offered(max_completions=1), person(), person()
    await user.start(app)
    await _let_time_pass(sql)
    assert (await other.start(app)).status_code == 201
    await _let_time_pass(sql)
    assert (await user.start(app)).status_code == 201


async def test_a_task_with_a_proof_does_not_expire(person: Any, offered: Any, sql: asyncpg.Connection) -> None:
    user = person()
    task_id = await user.submitted_task(offered())
    await _let_time_pass(sql)
    assert (await user.get(f"/api/v1/tasks/{task_id}")).json()["status"] == "submitted"


async def test_other_peoples_tasks_are_unknown_tasks(person: Any, offered: Any) -> None:
    task_id = (await person().start(offered())).json()["id"]
    for stranger in (person(), person("reviewer"), person("admin")):
        for answer in (
            await stranger.get(f"/api/v1/tasks/{task_id}"),
            await stranger.post(f"/api/v1/tasks/{task_id}/cancel"),
            await stranger.send_proof(task_id),
        ):
            assert _refused(answer) == (404, "task-not-found")
    assert _refused(await person().get(f"/api/v1/tasks/{uuid4()}")) == (404, "task-not-found")


async def test_the_list_is_read_page_by_page_newest_first(person: Any, offered: Any) -> None:
    user = person()
    started = [(await user.start(offered())).json()["id"] for _ in range(5)]
    seen, path = [], "/api/v1/tasks?limit=2"
    while path:
        page = await user.get(path)
        seen += [task["id"] for task in page.json()["items"]]
        path = page.links["next"]["url"] if page.json()["next_cursor"] else ""
    assert seen == started[::-1]


async def test_a_cursor_of_somebody_else_is_refused(person: Any, offered: Any) -> None:
    user, other = person(), person()
    for _ in range(2):
        await user.start(offered())
    cursor = (await user.get("/api/v1/tasks?limit=1")).json()["next_cursor"]
    assert _refused(await other.get(f"/api/v1/tasks?limit=1&cursor={cursor}")) == (422, "invalid-cursor")
    assert _refused(await user.get(f"/api/v1/tasks?status=started&cursor={cursor}")) == (422, "invalid-cursor")


async def test_an_unchanged_task_is_not_sent_again(person: Any, offered: Any) -> None:
    user = person()
    path = f"/api/v1/tasks/{(await user.start(offered())).json()['id']}"
    etag = (await user.get(path)).headers["ETag"]
    assert (await user.get(path, headers={"If-None-Match": etag})).status_code == 304
    await user.post(f"{path}/cancel")
    assert (await user.get(path, headers={"If-None-Match": etag})).status_code == 200


@pytest.mark.parametrize("body", [{}, {"app_id": "x"}, {"app_id": str(uuid4()), "points": 9}, [], None])
async def test_a_wrong_body_is_refused(person: Any, body: Any) -> None:
    assert _refused(await person().post("/api/v1/tasks", json=body)) == (422, "validation-error")
