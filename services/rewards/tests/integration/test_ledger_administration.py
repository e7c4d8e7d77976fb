"""Adjustments, reversals and the ledger as administrators see it."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from fastapi import FastAPI

from rewards_service.clients.accounts import FakeAccounts
from rewards_service.repositories.ledger import Event, LedgerRepository

pytestmark = pytest.mark.integration


def _refused(answer: Any) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


async def _adjust(admin: Any, user: Any, points: int, reason: str = "Thanks", key: str | None = None) -> Any:
    body = {"user_id": str(user.id), "points": points, "reason": reason}
    return await admin.post("/api/v1/points/adjustments", key=key, json=body)


async def _reverse(admin: Any, transaction_id: str, key: str | None = None) -> Any:
    path = f"/api/v1/points/transactions/{transaction_id}/reverse"
    return await admin.post(path, key=key, json={"reason": "A mistake"})


async def _approved(user: Any, reviewer: Any, app: Any) -> tuple[str, str]:
    task_id = await user.submitted_task(app)
    decided = await reviewer.decide(task_id, decision="approve")
    return task_id, decided.json()["transaction_id"]


async def _holds(admin: Any) -> None:
    assert (await admin.get("/api/v1/points/verify")).json()["ok"] is True


async def test_points_are_given_and_taken_by_hand_and_the_person_reads_why(person: Any) -> None:
    user, admin = person(), person("admin")
    given = await _adjust(admin, user, 50, "Thank you")
    assert given.status_code == 201
    assert given.json()["created_by"] == str(admin.id)
    assert (given.json()["kind"], given.json()["task_id"], given.json()["reverses_id"]) == ("adjustment", None, None)
    assert given.json()["entries"] == [
        {"user_id": None, "account": "points.adjusted", "points": -50, "balance_after": None},
        {"user_id": str(user.id), "account": None, "points": 50, "balance_after": 50},
    ] or given.json()["entries"] == [
        {"user_id": str(user.id), "account": None, "points": 50, "balance_after": 50},
        {"user_id": None, "account": "points.adjusted", "points": -50, "balance_after": None},
    ]
    assert (await admin.get(given.headers["Location"])).json() == given.json()
    assert (await _adjust(admin, user, -20, "Too many")).status_code == 201
    assert await user.points() == {"balance": 30, "pending": 0, "lifetime_earned": 50}
    lines = (await user.get("/api/v1/points/entries")).json()["items"]
    assert [(line["points"], line["description"]) for line in lines] == [(-20, "Too many"), (50, "Thank you")]
    await _holds(admin)


async def test_an_adjustment_takes_no_more_than_there_is(person: Any) -> None:
    user, admin = person(), person("admin")
    await _adjust(admin, user, 10)
    refused = await _adjust(admin, user, -11)
    assert _refused(refused) == (422, "balance-too-low")
    assert refused.json()["errors"][0]["pointer"] == "/points"
    assert (await user.points())["balance"] == 10


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"points": 0}, "/points"),
        ({"points": 1_000_001}, "/points"),
        ({"points": "5"}, "/points"),
        ({"points": True}, "/points"),
        ({"reason": " "}, "/reason"),
        ({"reason": None}, "/reason"),
        ({"user_id": "me"}, "/user_id"),
        ({"balance": 5}, "/balance"),
    ],
)
async def test_a_wrong_adjustment_is_refused_by_name(person: Any, change: dict[str, Any], pointer: str) -> None:
    body = {"user_id": str(uuid4()), "points": 5, "reason": "x", **change}
    answer = await person("admin").post("/api/v1/points/adjustments", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_nobody_who_does_not_exist_gets_points(person: Any, accounts: FakeAccounts) -> None:
    stranger = person()
    accounts.strangers.add(stranger.id)
    assert _refused(await _adjust(person("admin"), stranger, 5)) == (422, "unknown-person")


async def test_without_the_accounts_nothing_is_adjusted(person: Any, accounts: FakeAccounts) -> None:
    user, admin = person(), person("admin")
    accounts.down = True
    answer = await _adjust(admin, user, 5)
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    assert (await user.points())["balance"] == 0


async def test_a_reversal_takes_the_points_and_the_task_back(person: Any, offered: Any) -> None:
    user, reviewer, admin = person(), person("reviewer"), person("admin")
    task_id, credit = await _approved(user, reviewer, offered(points=250))
    reversal = await _reverse(admin, credit)
    assert reversal.status_code == 201
    assert (reversal.json()["reverses_id"], reversal.json()["task_id"]) == (credit, task_id)
    booked = [(await admin.get(f"/api/v1/points/transactions/{one}")).json() for one in (credit, reversal.json()["id"])]
    assert [(one["kind"], one["reference"], one["description"], one["created_by"]) for one in booked] == [
        ("task.approve", task_id, "Example Reader", str(reviewer.id)),
        ("reversal", credit, "A mistake", str(admin.id)),
    ]
    assert (await user.get(f"/api/v1/tasks/{task_id}")).json()["status"] == "reversed"
    assert await user.points() == {"balance": 0, "pending": 0, "lifetime_earned": 0}
    lines = (await user.get("/api/v1/points/entries")).json()["items"]
    assert [(line["points"], line["balance_after"]) for line in lines] == [(-250, 0), (250, 250)]
    assert (await admin.get(f"/api/v1/points/transactions/{credit}")).json()["reversed_by_id"] == reversal.json()["id"]
    await _holds(admin)


async def test_only_a_reversal_brings_a_balance_below_zero(person: Any, offered: Any) -> None:
    user, reviewer, admin = person(), person("reviewer"), person("admin")
    _, credit = await _approved(user, reviewer, offered(points=250))
    await _adjust(admin, user, -200)
    assert (await _reverse(admin, credit)).status_code == 201
    assert (await user.points())["balance"] == -200
    await _approved(user, reviewer, offered(points=300))
    assert (await user.points())["balance"] == 100
    await _holds(admin)


async def test_a_transaction_is_reversed_once_and_a_reversal_never(person: Any) -> None:
    user, admin = person(), person("admin")
    given = (await _adjust(admin, user, 50)).json()["id"]
    reversal = (await _reverse(admin, given)).json()["id"]
    assert _refused(await _reverse(admin, given)) == (409, "already-reversed")
    assert _refused(await _reverse(admin, reversal)) == (409, "reversal-is-final")
    assert _refused(await _reverse(admin, str(uuid4()))) == (404, "transaction-not-found")
    assert (await user.points())["balance"] == 0


async def test_of_fifty_reversals_at_once_one_has_an_effect(person: Any, offered: Any) -> None:
    user, admin = person(), person("admin")
    _, credit = await _approved(user, person("reviewer"), offered(points=250))
    answers = await asyncio.gather(*(_reverse(admin, credit) for _ in range(50)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 49
    assert (await user.points())["balance"] == 0
    await _holds(admin)


async def test_of_reversals_of_an_adjustment_at_once_one_has_an_effect(person: Any) -> None:
    """No task is locked before: they meet in the ledger itself, where two rules refuse the second."""
    user, admin = person(), person("admin")
    for _ in range(10):
        given = (await _adjust(admin, user, 5)).json()["id"]
        answers = await asyncio.gather(*(_reverse(admin, given) for _ in range(10)))
        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
    assert (await user.points())["balance"] == 0
    await _holds(admin)


async def test_whichever_unique_rule_refuses_an_event_it_was_booked_before(app: FastAPI, person: Any) -> None:
    user, admin = person(), person("admin")
    given = UUID((await _adjust(admin, user, 5)).json()["id"])
    async with app.state.database.transaction() as session:
        ledger = LedgerRepository(session)
        amounts = {entry.account_id: -entry.amount for entry, _ in (await ledger.bookings([given]))[given]}
        first = Event("reversal", str(given), "A mistake", admin.id, reverses_id=given)
        assert await ledger.post(first, amounts) is not None
        assert await ledger.post(first, amounts) is None
        assert await ledger.post(replace(first, reference="under another name"), amounts) is None
    assert (await user.points())["balance"] == 0
    await _holds(admin)


async def test_with_one_key_fifty_adjustments_are_one(person: Any) -> None:
    user, admin = person(), person("admin")
    answers = await asyncio.gather(*(_adjust(admin, user, 7, key="k") for _ in range(50)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert (await user.points())["balance"] == 7


async def test_taking_at_once_never_goes_below_zero(person: Any) -> None:
    user, admin = person(), person("admin")
    await _adjust(admin, user, 100)
    answers = await asyncio.gather(*(_adjust(admin, user, -30) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [422] * 17
    assert (await user.points())["balance"] == 10


async def test_the_ledger_is_read_page_by_page_newest_first(person: Any) -> None:
    ada, bob, admin = person(), person(), person("admin")
    for points in (1, 2, 3):
        await _adjust(admin, ada, points)
        await _adjust(admin, bob, 10 * points)
    seen, path = [], f"/api/v1/points/transactions?user_id={ada.id}&limit=2"
    while path and len(seen) < 3:  # a page that came again would never end
        page = await admin.get(path)
        seen.append([entry["points"] for one in page.json()["items"] for entry in one["entries"] if entry["user_id"]])
        path = page.links["next"]["url"] if page.json()["next_cursor"] else ""
    assert seen == [[3, 2], [1]]
    whole = (await admin.get(f"/api/v1/points/transactions?user_id={ada.id}&limit=3")).json()
    assert (len(whole["items"]), whole["next_cursor"]) == (3, None)
    assert len((await admin.get("/api/v1/points/transactions")).json()["items"]) == 6


async def test_what_was_booked_in_one_moment_is_read_once_page_by_page(person: Any, sql: asyncpg.Connection) -> None:
    admin = person("admin")
    for points in range(1, 8):
        await _adjust(admin, person(), points)
    await sql.execute("SET session_replication_role = replica")
    await sql.execute("UPDATE transaction SET created_at = now() - interval '1 hour'")
    early_names = await sql.fetch("SELECT id FROM transaction ORDER BY id LIMIT 2")
    for minutes, row in enumerate(early_names):  # they were booked late
        await sql.execute(
            "UPDATE transaction SET created_at = now() - make_interval(mins => $1) WHERE id = $2", minutes, row["id"]
        )
    newest_first = await sql.fetch("SELECT id FROM transaction ORDER BY created_at DESC, id DESC")
    seen, path = [], "/api/v1/points/transactions?limit=3"
    while path and len(seen) < 10:  # a page that came again would never end
        page = await admin.get(path)
        seen += [one["id"] for one in page.json()["items"]]
        path = page.links["next"]["url"] if page.json()["next_cursor"] else ""
    assert seen == [str(row["id"]) for row in newest_first]


@pytest.mark.parametrize("path", ["/api/v1/points/transactions", "/api/v1/points/entries"])
async def test_a_page_costs_one_line_more_than_it_shows(person: Any, lines_read: list[int], path: str) -> None:
    both = person("user", "admin")
    for points in range(1, 6):
        await _adjust(both, both, points)
    lines_read.clear()
    assert len((await both.get(f"{path}?limit=2")).json()["items"]) == 2
    assert lines_read == [3]


async def test_entries_are_told_in_the_order_in_which_they_were_booked(person: Any, sql: asyncpg.Connection) -> None:
    given = await _adjust(admin := person("admin"), person(), 5)
    await sql.execute("SET session_replication_role = replica")
    await sql.execute("""
        WITH first AS (DELETE FROM entry WHERE id = (SELECT min(id) FROM entry) RETURNING *)
        INSERT INTO entry SELECT * FROM first
    """)  # it lies last now
    assert (await admin.get(given.headers["Location"])).json() == given.json()


@pytest.mark.parametrize("role", ["user", "reviewer"])
async def test_only_administrators_touch_the_ledger(person: Any, role: str) -> None:
    user = person(role)
    for answer in (
        await _adjust(user, user, 5),
        await _reverse(user, str(uuid4())),
        await user.get("/api/v1/points/transactions"),
        await user.get(f"/api/v1/points/transactions/{uuid4()}"),
    ):
        assert _refused(answer) == (403, "forbidden")


async def test_a_replayed_adjustment_needs_nobody_and_pays_nothing(person: Any, accounts: FakeAccounts) -> None:
    user, admin = person(), person("admin")
    first = await _adjust(admin, user, 5, key="k")
    accounts.down = True
    again = await _adjust(admin, user, 5, key="k")
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    accounts.down = False
    assert _refused(await _adjust(admin, user, 6, key="k")) == (422, "idempotency-key-reused")
    assert (await user.points())["balance"] == 5


async def test_no_role_of_the_service_may_change_the_ledger(sql: asyncpg.Connection, owned_database: str) -> None:
    connection = await asyncpg.connect(owned_database)
    try:
        for statement in (
            "UPDATE entry SET amount = 1",
            "DELETE FROM entry",
            "TRUNCATE entry",
            "UPDATE transaction SET description = 'y'",
            "DELETE FROM transaction",
            "UPDATE seal SET hash = ''",
            "DELETE FROM seal",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        account = await connection.fetchval("INSERT INTO account (name) VALUES ('a') RETURNING id")
        other = await connection.fetchval("INSERT INTO account (name) VALUES ('b') RETURNING id")
        async with connection.transaction():  # and it may still do its work
            transaction_id: UUID = await connection.fetchval(
                "INSERT INTO transaction (kind, reference, size, description, created_by)"
                " VALUES ('test', '1', 2, 'x', $1) RETURNING id", uuid4(),
            )  # fmt: skip
            for account_id, amount in ((account, 5), (other, -5)):
                await connection.execute(
                    "INSERT INTO entry (transaction_id, account_id, amount) VALUES ($1, $2, $3)",
                    transaction_id, account_id, amount,
                )  # fmt: skip
    finally:
        await connection.close()
