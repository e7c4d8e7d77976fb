"""The leaderboard: only those who want to be seen, and what others learn of them."""

from typing import Any

import asyncpg
import pytest

from rewards_service.clients.accounts import AccountInfo, FakeAccounts

pytestmark = pytest.mark.integration


async def _show(user: Any, *, shown: bool = True) -> Any:
    return await user.client.patch("/api/v1/me/preferences", json={"leaderboard": shown})


async def _give(admin: Any, user: Any, points: int) -> str:
    body = {"user_id": str(user.id), "points": points, "reason": "x"}
    answer = await admin.post("/api/v1/points/adjustments", json=body)
    return str(answer.json()["id"])


async def _leaders(user: Any, query: str = "") -> list[tuple[int, str, int, bool]]:
    items = (await user.get(f"/api/v1/leaderboard{query}")).json()["items"]
    return [(line["rank"], line["name"], line["points"], line["is_me"]) for line in items]


async def test_nobody_is_seen_who_did_not_choose_to_be(person: Any) -> None:
    ada, bob, admin = person(), person(), person("admin")
    await _give(admin, ada, 50)
    await _give(admin, bob, 70)
    assert (await ada.get("/api/v1/me/preferences")).json() == {"leaderboard": False}
    assert await _leaders(bob) == []
    assert (await _show(ada)).json() == {"leaderboard": True}
    assert await _leaders(ada) == [(1, "Ada", 50, True)]
    assert await _leaders(bob) == [(1, "Ada", 50, False)]
    await _show(ada, shown=False)
    assert await _leaders(bob) == []


async def test_others_learn_a_name_and_points_and_nothing_else(person: Any) -> None:
    ada = person()
    await _show(ada)
    await _give(person("admin"), ada, 50)
    line = (await person().get("/api/v1/leaderboard")).json()["items"][0]
    assert line == {"rank": 1, "name": "Ada", "points": 50, "is_me": False}


async def test_equal_points_have_an_equal_rank_also_across_pages(person: Any, accounts: FakeAccounts) -> None:
    admin = person("admin")
    for name, points in (("a", 30), ("b", 20), ("c", 20), ("d", 20), ("e", 10)):
        user = person()
        accounts.account = AccountInfo(name=name, email_verified=True)
        await _show(user)
        await _give(admin, user, points)
    seen, path = [], "/api/v1/leaderboard?limit=2"
    while path:
        page = await admin.get(path)
        seen += [(line["rank"], line["points"]) for line in page.json()["items"]]
        path = page.links["next"]["url"] if page.json()["next_cursor"] else ""
    assert seen == [(1, 30), (2, 20), (2, 20), (2, 20), (5, 10)]


async def test_what_was_taken_back_or_spent_does_and_does_not_count(person: Any) -> None:
    user, admin = person(), person("admin")
    await _show(user)
    undone = await _give(admin, user, 100)
    await _give(admin, user, 40)
    await _give(admin, user, -15)
    await admin.post(f"/api/v1/points/transactions/{undone}/reverse", json={"reason": "x"})
    assert await _leaders(user) == [(1, "Ada", 40, True)]


async def test_the_month_counts_from_its_first_day(person: Any, sql: asyncpg.Connection) -> None:
    user, admin = person(), person("admin")
    await _show(user)
    await _give(admin, user, 100)
    await sql.execute("SET session_replication_role = replica")
    await sql.execute("UPDATE transaction SET created_at = date_trunc('month', now(), 'UTC') - interval '1 second'")
    await sql.execute("SET session_replication_role = origin")
    assert await _leaders(user, "?period=month") == []
    await _give(admin, user, 7)
    assert await _leaders(user, "?period=month") == [(1, "Ada", 7, True)]
    assert await _leaders(user, "?period=all") == [(1, "Ada", 107, True)]


async def test_without_the_accounts_nobody_is_put_on_it_but_everybody_comes_off(
    person: Any, accounts: FakeAccounts
) -> None:
    user = person()
    await _show(user)
    accounts.down = True
    assert (await _show(user)).status_code == 503
    assert (await _show(user, shown=False)).status_code == 200


@pytest.mark.parametrize("query", ["?period=year", "?limit=0", "?limit=201", "?cursor=forged"])
async def test_a_wrong_question_is_refused(person: Any, query: str) -> None:
    assert (await person().get(f"/api/v1/leaderboard{query}")).status_code == 422
