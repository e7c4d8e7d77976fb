"""What people see of their points, and the look over the whole ledger."""

import asyncio
import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner, Result
from fastapi import FastAPI

from rewards_service.cli import main
from rewards_service.clients.accounts import FakeAccounts
from rewards_service.services.statement import statement_csv
from servicekit.testing import TEST_SECRET

pytestmark = pytest.mark.integration


async def test_a_newcomer_has_nothing(person: Any) -> None:
    user = person()
    assert await user.points() == {"balance": 0, "pending": 0, "lifetime_earned": 0}
    assert (await user.get("/api/v1/points/entries")).json() == {"items": [], "next_cursor": None}


async def test_the_summary_counts_by_whose_turn_it_is(person: Any, offered: Any) -> None:
    user, reviewer = person(), person("reviewer")
    await user.start(offered())
    await user.submitted_task(offered(points=30))
    await reviewer.decide(await user.submitted_task(offered(points=20)), decision="approve")
    await reviewer.decide(await user.submitted_task(offered()), decision="reject", reason_code="edited")
    await user.post(f"/api/v1/tasks/{(await user.start(offered())).json()['id']}/cancel")
    answer = await user.get("/api/v1/me/summary")
    assert answer.json() == {
        "name": "Ada", "points": 20, "points_pending": 30, "lifetime_earned": 20, "tasks_active": 2, "tasks_pending": 1,
        "tasks_completed": 1,
    }  # fmt: skip
    assert answer.headers["cache-control"] == "private, no-store"
    assert await user.points() == {"balance": 20, "pending": 30, "lifetime_earned": 20}


async def test_a_task_that_ran_out_of_time_is_nobodys_turn(person: Any, offered: Any, sql: asyncpg.Connection) -> None:
    user = person()
    await user.start(offered())
    await sql.execute("UPDATE task SET expires_at = now()")
    summary = (await user.get("/api/v1/me/summary")).json()
    assert (summary["tasks_active"], summary["tasks_pending"], summary["tasks_completed"]) == (0, 0, 0)


async def test_without_the_accounts_the_summary_has_no_name(person: Any, accounts: FakeAccounts) -> None:
    accounts.down = True
    answer = await person().get("/api/v1/me/summary")
    assert (answer.status_code, answer.json()["name"]) == (200, None)


async def test_the_statement_is_read_page_by_page_newest_first(person: Any, offered: Any) -> None:
    user, reviewer = person(), person("reviewer")
    for points in (1, 2, 3, 4, 5):
        await reviewer.decide(await user.submitted_task(offered(points=points)), decision="approve")
    await reviewer.decide(await person().submitted_task(offered(points=99)), decision="approve")
    seen, path = [], "/api/v1/points/entries?limit=2"
    while path and len(seen) < 6:  # a page that came again would never end
        page = await user.get(path)
        seen += [(line["points"], line["balance_after"]) for line in page.json()["items"]]
        path = page.links["next"]["url"] if page.json()["next_cursor"] else ""
    assert seen == [(5, 15), (4, 10), (3, 6), (2, 3), (1, 1)]
    whole = (await user.get("/api/v1/points/entries?limit=5")).json()
    assert (len(whole["items"]), whole["next_cursor"]) == (5, None)


async def test_the_statement_comes_as_csv_whole_and_harmless(
    person: Any, offered: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rewards_service.services.statement.LINES_AT_ONCE", 2)
    user, reviewer = person(), person("reviewer")
    for points, name in enumerate(("=1+1", "@x", 'a "b", c', "-3", "é"), start=1):
        await reviewer.decide(await user.submitted_task(offered(points=points, name=name)), decision="approve")
    answer = await user.get("/api/v1/points/entries?format=csv&limit=1")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="points.csv"'
    assert answer.headers["cache-control"] == "private, no-store"
    lines = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    columns = "created_at,kind,description,points,balance_after,task_id,transaction_id"
    assert answer.text.startswith(f"{columns}\r\n")
    page = (await user.get("/api/v1/points/entries?limit=5")).json()["items"]
    assert [lines[0][name] for name in columns.split(",")] == [str(page[0][name]) for name in columns.split(",")]
    assert [(line["description"], line["points"], line["balance_after"]) for line in lines] == [
        ("é", "5", "15"), ("'-3", "4", "10"), ('a "b", c', "3", "6"), ("'@x", "2", "3"), ("'=1+1", "1", "1"),
    ]  # fmt: skip


async def test_a_long_statement_is_read_a_piece_at_a_time(
    person: Any, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rewards_service.services.statement.LINES_AT_ONCE", 2)
    user, admin = person(), person("admin")
    for points in range(1, 6):
        body = {"user_id": str(user.id), "points": points, "reason": "x"}
        assert (await admin.post("/api/v1/points/adjustments", json=body)).status_code == 201
    lines: list[int] = []
    async for piece in statement_csv(app.state.database, user.id):
        lines.append(piece.count("\r\n"))
        assert len(lines) < 6  # a piece that came again would never end
    assert lines == [1, 2, 2, 1]


async def test_the_last_twelve_months_are_summed_and_empty_ones_are_there(person: Any, offered: Any) -> None:
    user, reviewer, admin = person(), person("reviewer"), person("admin")
    await reviewer.decide(await person().submitted_task(offered(points=99)), decision="approve")
    for points in (20, 5):
        await reviewer.decide(await user.submitted_task(offered(points=points)), decision="approve")
    taken = {"user_id": str(user.id), "points": -7, "reason": "A mistake"}
    assert (await admin.post("/api/v1/points/adjustments", json=taken)).status_code == 201
    months = (await user.get("/api/v1/points/months")).json()["items"]
    now = datetime.now(UTC)
    assert [month["month"] for month in months] == [
        f"{(now.year * 12 + now.month - 1 - back) // 12}-{(now.year * 12 + now.month - 1 - back) % 12 + 1:02}"
        for back in range(11, -1, -1)
    ]
    assert months[-1] == {"month": f"{now:%Y-%m}", "added": 25, "taken": 7}
    assert {(month["added"], month["taken"]) for month in months[:-1]} == {(0, 0)}


@pytest.mark.parametrize("role", ["user", "reviewer"])
async def test_only_administrators_verify_the_ledger(person: Any, role: str) -> None:
    assert (await person(role).get("/api/v1/points/verify")).status_code == 403


async def _command(database_url: str, name: str) -> Result:
    environment = {
        "REWARDS_ENVIRONMENT": "test",
        "REWARDS_DATABASE_URL": database_url,
        "REWARDS_CURSOR_SECRET": TEST_SECRET,
        "REWARDS_CATALOG_URL": "http://catalog.invalid",
        "REWARDS_AUTH_URL": "http://auth.invalid",
        "REWARDS_BLOB_URL": "memory:///",
    }
    # A thread, as the command runs a loop of its own.
    return await asyncio.to_thread(CliRunner(env=environment).invoke, main, [name])


async def test_the_command_tells_whether_the_ledger_is_right(
    person: Any, offered: Any, sql: asyncpg.Connection, database_url: str
) -> None:
    await person("reviewer").decide(await person().submitted_task(offered()), decision="approve")
    good = await _command(database_url, "verify-ledger")
    assert (good.exit_code, json.loads(good.stdout)["ok"]) == (0, True)
    await sql.execute("SET session_replication_role = replica")
    await sql.execute("UPDATE task SET status = 'submitted'")
    bad = await _command(database_url, "verify-ledger")
    assert (bad.exit_code, json.loads(bad.stdout)["credits_without_approval"]) == (1, 1)


async def test_the_command_seals(person: Any, offered: Any, database_url: str) -> None:
    await person("reviewer").decide(await person().submitted_task(offered()), decision="approve")
    first, second = await _command(database_url, "seal"), await _command(database_url, "seal")
    assert (first.stdout, second.stdout) == ("1 transactions sealed\n", "0 transactions sealed\n")
