"""What somebody does with their own account: the name, the sessions, the end."""

import asyncio
import re
from uuid import UUID, uuid4

import httpx
import pytest
from services.auth.tests.conftest import PASSWORD, MailFolder, Person, Sql, register, text_of
from services.auth.tests.integration.test_throttling import attempt

from servicekit import testing

pytestmark = pytest.mark.integration
# Not "ada" alone: those are three hexadecimal digits, which any id may contain.
NAMED = re.compile(r"ada@|ada lovelace|lovelace", re.IGNORECASE)


async def test_the_name_can_change_and_nothing_else(ada: Person) -> None:
    tokens = await ada.login()
    changed = await ada.call("PATCH", "/users/me", tokens, name=" Augusta Ada ")
    assert (changed.status_code, changed.json()["name"]) == (200, "Augusta Ada")
    me = await ada.me(tokens["access_token"])
    assert (me.json(), me.headers["etag"]) == (changed.json(), changed.headers["etag"])
    for more in ({"roles": ["admin"]}, {"email": "eve@example.com"}, {"email_verified": True}):
        assert (await ada.call("PATCH", "/users/me", tokens, name="Eve", **more)).status_code == 422
    for name in ("", "two\nlines", "x" * 101, None, 1):
        assert (await ada.call("PATCH", "/users/me", tokens, name=name)).status_code == 422


async def test_a_change_that_depends_on_what_was_read_is_refused_once_that_is_stale(ada: Person) -> None:
    token = (await ada.login())["access_token"]
    read = (await ada.me(token)).headers["etag"]

    async def rename(name: str, if_match: str) -> httpx.Response:
        headers = {**testing.bearer(token), "If-Match": if_match}
        return await ada.client.patch("/api/v1/users/me", json={"name": name}, headers=headers)

    assert [(await rename("Augusta", tag)).status_code for tag in (read, "*")] == [200, 200]
    stale = await rename("Eve", read)
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition-failed")
    assert (await ada.me(token)).json()["name"] == "Augusta"


async def test_the_list_shows_living_sessions_newest_first_in_pages(ada: Person) -> None:
    phone = (
        await attempt(ada.client, ada.address, PASSWORD, user_agent="a phone", x_forwarded_for="198.51.100.7")
    ).json()
    here = await ada.login()
    gone = await ada.login()
    await ada.call("POST", "/auth/logout", gone)
    first = await ada.call("GET", "/users/me/sessions?limit=1", here)
    assert (first.status_code, len(first.json()["items"])) == (200, 1)
    assert 'rel="next"' in first.headers["link"]
    rest = await ada.call("GET", f"/users/me/sessions?cursor={first.json()['next_cursor']}", here)
    items = first.json()["items"] + rest.json()["items"]
    assert rest.json()["next_cursor"] is None
    assert [item["current"] for item in items] == [True, False]
    assert (items[1]["user_agent"], items[1]["network"]) == ("a phone", "198.51.100.7")
    assert items[0].keys() == {
        "id", "created_at", "last_used_at", "expires_at", "network", "user_agent", "current"
    }  # fmt: skip
    before = items[1]["last_used_at"]
    await ada.refresh(phone["refresh_token"])
    assert (await ada.call("GET", "/users/me/sessions", here)).json()["items"][1]["last_used_at"] > before


async def test_one_session_is_ended_and_only_ones_own(ada: Person, client: httpx.AsyncClient) -> None:
    here, there = await ada.login(), await ada.login()
    await register(client, "eve@example.com")
    eve = Person(client, "eve@example.com")
    eves = await eve.login()
    other = next(
        item["id"]
        for item in (await ada.call("GET", "/users/me/sessions", here)).json()["items"]
        if not item["current"]
    )
    foreign = await eve.call("DELETE", f"/users/me/sessions/{other}", eves)
    unknown = await eve.call("DELETE", f"/users/me/sessions/{uuid4()}", eves)
    assert (
        (foreign.status_code, foreign.json()["code"])
        == (unknown.status_code, unknown.json()["code"])
        == (404, "not-found")
    )
    assert (await ada.call("DELETE", f"/users/me/sessions/{other}", here)).status_code == 204
    assert (await ada.me(there["access_token"])).status_code == 401
    assert (await ada.me(here["access_token"])).status_code == 200
    assert (await ada.call("DELETE", f"/users/me/sessions/{other}", here)).status_code == 404
    assert (await ada.call("DELETE", "/users/me/sessions/x", here)).status_code == 422


async def test_all_other_sessions_are_ended(ada: Person) -> None:
    here, *others = [await ada.login() for _ in range(4)]
    assert (await ada.call("DELETE", "/users/me/sessions", here)).status_code == 204
    assert [(await ada.me(other["access_token"])).status_code for other in others] == [401] * 3
    assert len((await ada.call("GET", "/users/me/sessions", here)).json()["items"]) == 1


async def test_a_foreign_cursor_is_refused(ada: Person, client: httpx.AsyncClient) -> None:
    here, _ = await ada.login(), await ada.login()
    cursor = (await ada.call("GET", "/users/me/sessions?limit=1", here)).json()["next_cursor"]
    await register(client, "eve@example.com")
    eve = Person(client, "eve@example.com")
    refused = await eve.call("GET", f"/users/me/sessions?cursor={cursor}", await eve.login())
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid-cursor")


async def test_a_deleted_account_leaves_no_name_behind_and_its_address_is_free(
    ada: Person, client: httpx.AsyncClient, mails: MailFolder, sql: Sql
) -> None:
    tokens, other = await ada.login(), await ada.login()
    account_id = UUID((await ada.me(tokens["access_token"])).json()["id"])
    assert (await ada.call("DELETE", "/users/me", tokens)).status_code == 202
    for pair in (tokens, other):
        assert (await ada.me(pair["access_token"])).status_code == 401
        assert (await ada.refresh(pair["refresh_token"])).status_code == 401
    assert (await attempt(client, ada.address, PASSWORD)).status_code == 401
    assert (await mails.to(ada.address))[-1]["Subject"] == "Your account was deleted"
    (row,) = await sql("SELECT * FROM account WHERE id = $1", account_id)
    assert not NAMED.search(str(dict(row)))
    assert await sql("SELECT 1 FROM login_session") == []
    assert not NAMED.search(str(await sql("SELECT * FROM audit_event")))

    assert (await register(client, ada.address)).status_code == 202
    assert UUID((await ada.me((await ada.login())["access_token"])).json()["id"]) != account_id


async def test_a_deletion_in_the_middle_of_everything_is_a_clean_end(ada: Person, sql: Sql) -> None:
    for _ in range(3):
        sessions = [await ada.login() for _ in range(3)]
        answers = await asyncio.gather(
            *(ada.refresh(tokens["refresh_token"]) for tokens in sessions),
            ada.call("PUT", "/users/me/password", sessions[0], current_password=PASSWORD, new_password=PASSWORD + "!"),
            ada.call("DELETE", "/users/me", sessions[1]),
            *(ada.refresh(tokens["refresh_token"]) for tokens in sessions),
            ada.call("DELETE", "/users/me/sessions", sessions[2]),
            attempt(ada.client, ada.address, PASSWORD),
        )
        assert {answer.status_code for answer in answers} <= {200, 202, 204, 401}
        for answer in answers:
            if "refresh_token" in answer.text:
                gone = await ada.me(answer.json()["access_token"])
                assert gone.status_code == 401 or not any(a.status_code == 202 for a in answers)
        await sql("DELETE FROM account")
        await sql("DELETE FROM throttle_bucket")
        assert (await register(ada.client, ada.address)).status_code == 202


async def test_the_last_admin_stays(ada: Person, sql: Sql) -> None:
    await sql("UPDATE account SET roles = '{user,admin}'")
    refused = await ada.call("DELETE", "/users/me", await ada.login())
    assert (refused.status_code, refused.json()["code"]) == (409, "last-admin")
    await ada.login()


async def test_a_reuse_ends_one_session_and_is_told_by_mail(ada: Person, mails: MailFolder, sql: Sql) -> None:
    stolen, other = await ada.login(), await ada.login()
    await ada.refresh(stolen["refresh_token"])
    await sql("UPDATE refresh_token SET spent_at = spent_at - interval '11 seconds'")
    assert (await ada.refresh(stolen["refresh_token"])).json()["code"] == "refresh-reused"
    assert (await ada.refresh(stolen["refresh_token"])).status_code == 401
    told = [mail for mail in await mails.to(ada.address) if mail["Subject"] == "One of your sessions was ended"]
    assert len(told) == 1
    assert "Your other sessions go on" in text_of(told[0]).replace("\n", " ")
    assert (await ada.refresh(other["refresh_token"])).status_code == 200


async def test_a_disabled_account_is_refused_like_a_wrong_password(ada: Person, sql: Sql) -> None:
    await sql("UPDATE account SET disabled_at = now()")
    refused = await attempt(ada.client, ada.address, PASSWORD)
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid-credentials")


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_event SET kind = 'x'", "DELETE FROM audit_event", "TRUNCATE audit_event"]
)
async def test_the_audit_log_is_append_only(ada: Person, sql: Sql, statement: str) -> None:
    import asyncpg

    assert await sql("SELECT 1 FROM audit_event")
    with pytest.raises(asyncpg.RestrictViolationError):
        await sql(statement)
