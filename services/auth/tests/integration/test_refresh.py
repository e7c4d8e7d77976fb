"""Stay signed in: rotation, retries, and what a thief gets."""

import asyncio
import hashlib

import httpx
import jwt
import pytest
from services.auth.tests.conftest import Person, Sql

pytestmark = pytest.mark.integration


def session_of(access_token: str) -> str:
    sid: str = jwt.decode(access_token, options={"verify_signature": False})["sid"]
    return sid


async def test_a_refresh_gives_a_new_pair_of_the_same_session(ada: Person) -> None:
    first = await ada.login()
    answer = await ada.refresh(first["refresh_token"])
    assert answer.status_code == 200
    second = answer.json()
    assert second.keys() == first.keys()
    assert second["refresh_token"] != first["refresh_token"]
    assert session_of(second["access_token"]) == session_of(first["access_token"])
    assert (await ada.me(second["access_token"])).status_code == 200
    assert (await ada.refresh(second["refresh_token"])).status_code == 200


async def test_a_retry_gets_the_same_successor(ada: Person) -> None:
    first = await ada.login()
    answers = [await ada.refresh(first["refresh_token"]) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    for answer in answers:
        assert (await ada.me(answer.json()["access_token"])).status_code == 200


async def test_twenty_parallel_refreshes_have_one_successor_and_lock_nobody_out(ada: Person, sql: Sql) -> None:
    first = await ada.login()
    answers = await asyncio.gather(*(ada.refresh(first["refresh_token"]) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    (successor,) = {answer.json()["refresh_token"] for answer in answers}
    assert len(await sql("SELECT 1 FROM refresh_token")) == 2
    assert (await ada.refresh(successor)).status_code == 200


async def test_reuse_after_the_grace_ends_the_session(ada: Person, sql: Sql) -> None:
    first = await ada.login()
    second = (await ada.refresh(first["refresh_token"])).json()
    await sql("UPDATE refresh_token SET spent_at = spent_at - interval '11 seconds'")

    reused = await ada.refresh(first["refresh_token"])

    assert (reused.status_code, reused.json()["code"]) == (401, "refresh-reused")
    honest = await ada.refresh(second["refresh_token"])
    assert (honest.status_code, honest.json()["code"]) == (401, "invalid-refresh-token")
    assert (await ada.me(second["access_token"])).status_code == 401
    assert (await ada.refresh(first["refresh_token"])).json()["code"] == "refresh-reused"


async def test_the_grace_is_ten_seconds(ada: Person, sql: Sql) -> None:
    first = await ada.login()
    second = (await ada.refresh(first["refresh_token"])).json()
    await sql("UPDATE refresh_token SET spent_at = spent_at - interval '9 seconds'")
    retried = await ada.refresh(first["refresh_token"])
    assert retried.json()["refresh_token"] == second["refresh_token"]


async def test_a_stolen_token_of_long_ago_is_noticed_too(ada: Person, sql: Sql) -> None:
    stolen = (await ada.login())["refresh_token"]
    latest = stolen
    for _ in range(3):
        latest = (await ada.refresh(latest)).json()["refresh_token"]
    await sql("UPDATE refresh_token SET spent_at = spent_at - interval '1 hour'")
    assert (await ada.refresh(stolen)).json()["code"] == "refresh-reused"
    assert (await ada.refresh(latest)).status_code == 401


async def test_reuse_ends_that_session_only(ada: Person, sql: Sql) -> None:
    phone, laptop = await ada.login(), await ada.login()
    await ada.refresh(phone["refresh_token"])
    await sql("UPDATE refresh_token SET spent_at = spent_at - interval '11 seconds'")
    assert (await ada.refresh(phone["refresh_token"])).json()["code"] == "refresh-reused"
    assert (await ada.me(laptop["access_token"])).status_code == 200
    assert (await ada.refresh(laptop["refresh_token"])).status_code == 200


async def test_parallel_reuses_end_the_session_once(ada: Person, sql: Sql) -> None:
    first = await ada.login()
    await ada.refresh(first["refresh_token"])
    await sql("UPDATE refresh_token SET spent_at = spent_at - interval '11 seconds'")
    answers = await asyncio.gather(*(ada.refresh(first["refresh_token"]) for _ in range(20)))
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(401, "refresh-reused")}
    session_id = session_of(first["access_token"])
    assert len(await sql("SELECT 1 FROM revoked_session WHERE session_id::text = $1", session_id)) == 1


async def test_no_token_outlives_its_session_or_a_long_silence(ada: Person, sql: Sql) -> None:
    silent = await ada.login()
    await sql("UPDATE refresh_token SET expires_at = expires_at - interval '14 days'")
    refused = await ada.refresh(silent["refresh_token"])
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid-refresh-token")

    busy = await ada.login()
    await sql("UPDATE login_session SET expires_at = now() + interval '1 hour'")
    await ada.refresh(busy["refresh_token"])
    rows = await sql(
        "SELECT t.expires_at = s.expires_at AS bounded FROM refresh_token t JOIN login_session s ON s.id = t.session_id"
        " WHERE s.id::text = $1 ORDER BY t.created_at DESC LIMIT 1",
        session_of(busy["access_token"]),
    )
    assert rows[0]["bounded"]


async def test_only_hashes_rest_in_the_database(ada: Person, sql: Sql) -> None:
    first = await ada.login()
    second = (await ada.refresh(first["refresh_token"])).json()
    stored = {row["token_hash"] for row in await sql("SELECT token_hash FROM refresh_token")}
    assert stored == {hashlib.sha256(pair["refresh_token"].encode()).digest() for pair in (first, second)}


@pytest.mark.parametrize("token", ["A" * 43, "x", "ä", "0" * 256])
async def test_an_unknown_token_is_refused(client: httpx.AsyncClient, token: str) -> None:
    answer = await client.post("/api/v1/auth/refresh", json={"refresh_token": token})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid-refresh-token")


async def test_an_access_token_is_no_refresh_token(ada: Person) -> None:
    access_token = (await ada.login())["access_token"]
    assert (await ada.refresh(access_token)).status_code == 422
    assert (await ada.me((await ada.login())["refresh_token"])).status_code == 401
