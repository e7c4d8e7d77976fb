"""Administrators manage accounts, and every change is on record."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from services.auth.tests.conftest import PASSWORD, Person, Sql, register
from services.auth.tests.integration.test_throttling import attempt

from servicekit import testing
from servicekit.revocations import Follower, Revocations, http_feed
from servicekit.tokens import JwksKeys, TokenVerifier

pytestmark = pytest.mark.integration

SignUp = Callable[..., Awaitable["Staff"]]


class Staff(Person):
    """Somebody signed in, whose id is known."""

    tokens: dict[str, Any]
    id: str


@pytest.fixture
def sign_up(client: httpx.AsyncClient, sql: Sql) -> SignUp:
    async def sign_up(address: str, *roles: str) -> Staff:
        assert (await register(client, address, name="Somebody")).status_code == 202
        await sql("UPDATE account SET roles = $1 WHERE email = $2", ["user", *roles], address)
        person = Staff(client, address)
        object.__setattr__(person, "tokens", await person.login())
        object.__setattr__(person, "id", (await person.me(person.tokens["access_token"])).json()["id"])
        return person

    return sign_up


@pytest.fixture
async def root(sign_up: SignUp) -> Staff:
    return await sign_up("root@example.com", "admin")


async def change(by: Staff, user_id: str, *, etag: str | None = "", **body: object) -> httpx.Response:
    """Change an account, as it is now unless an ETag is given."""
    if etag == "":
        etag = (await by.call("GET", f"/users/{user_id}", by.tokens)).headers["etag"]
    headers = {**testing.bearer(by.tokens["access_token"]), **({"If-Match": etag} if etag else {})}
    return await by.client.patch(f"/api/v1/users/{user_id}", json=body, headers=headers)


async def test_the_list_goes_through_all_accounts_in_pages(root: Staff, sign_up: SignUp) -> None:
    others = [await sign_up(f"user{number}@example.com") for number in range(4)]
    await others[0].call("DELETE", "/users/me", others[0].tokens)
    found: list[str] = []
    path = "/users?limit=2"
    while True:
        answer = await root.call("GET", path, root.tokens)
        assert answer.status_code == 200
        found += [item["email"] for item in answer.json()["items"]]
        if answer.json()["next_cursor"] is None:
            break
        path = f"/users?limit=2&cursor={answer.json()['next_cursor']}"
    assert found == ["user3@example.com", "user2@example.com", "user1@example.com", "root@example.com"]
    assert answer.json()["items"][0].keys() == {
        "id", "email", "email_verified", "name", "roles", "created_at", "mfa_enabled", "disabled"
    }  # fmt: skip


async def test_accounts_are_found_by_a_part_of_name_or_address(root: Staff, sign_up: SignUp) -> None:
    await sign_up("grace_h@example.com")
    await sign_up("gracexh@example.com")
    for words, found in (("GRACE_H", 1), ("@example.com", 3), ("somebody", 3), ("nobody", 0), ("%", 0)):
        answer = await root.call("GET", f"/users?q={quote(words)}", root.tokens)
        assert (answer.status_code, len(answer.json()["items"])) == (200, found), words


async def test_roles_change_and_act_at_once(root: Staff, sign_up: SignUp) -> None:
    ada = await sign_up("ada@example.com")
    answer = await change(root, ada.id, roles=["reviewer"])
    assert (answer.status_code, answer.json()["roles"]) == (200, ["user", "reviewer"])
    assert answer.headers["etag"] == (await root.call("GET", f"/users/{ada.id}", root.tokens)).headers["etag"]
    assert (await ada.me(ada.tokens["access_token"])).status_code == 401
    assert (await ada.refresh(ada.tokens["refresh_token"])).status_code == 401
    assert (await ada.me((await ada.login())["access_token"])).json()["roles"] == ["user", "reviewer"]


async def test_a_disabled_account_is_out_at_once_and_comes_back_when_enabled(root: Staff, sign_up: SignUp) -> None:
    ada = await sign_up("ada@example.com")
    assert (await change(root, ada.id, disabled=True)).json()["disabled"] is True
    assert (await ada.me(ada.tokens["access_token"])).status_code == 401
    assert (await ada.refresh(ada.tokens["refresh_token"])).status_code == 401
    assert (await attempt(ada.client, ada.address, PASSWORD)).json()["code"] == "invalid-credentials"
    assert (await change(root, ada.id, disabled=False)).json()["disabled"] is False
    await ada.login()
    assert (await ada.refresh(ada.tokens["refresh_token"])).status_code == 401  # what has ended stays so


async def test_disabling_races_with_signing_in(root: Staff, sign_up: SignUp) -> None:
    ada = await sign_up("ada@example.com")
    etag = (await root.call("GET", f"/users/{ada.id}", root.tokens)).headers["etag"]
    answers = await asyncio.gather(
        *(attempt(ada.client, ada.address, PASSWORD) for _ in range(6)),
        change(root, ada.id, etag=etag, disabled=True),
        *(attempt(ada.client, ada.address, PASSWORD) for _ in range(6)),
    )
    for answer in answers:
        if "refresh_token" in answer.json():
            assert (await ada.refresh(answer.json()["refresh_token"])).status_code == 401
            assert (await ada.me(answer.json()["access_token"])).status_code == 401


async def test_changes_need_the_present_version(root: Staff, sign_up: SignUp) -> None:
    ada = await sign_up("ada@example.com")
    old = (await root.call("GET", f"/users/{ada.id}", root.tokens)).headers["etag"]
    assert (await change(root, ada.id, etag=None, disabled=True)).status_code == 428
    assert (await change(root, ada.id, etag='"other"', disabled=True)).status_code == 412
    assert (await change(root, ada.id, etag=f"W/{old}", disabled=True)).status_code == 412
    assert (await change(root, ada.id, etag=old, disabled=True)).status_code == 200
    assert (await change(root, ada.id, etag=old, disabled=False)).status_code == 412


async def test_no_change_ends_no_session(root: Staff, sign_up: SignUp) -> None:
    ada = await sign_up("ada@example.com", "reviewer")
    for body in ({}, {"roles": ["reviewer", "user"]}, {"disabled": False}):
        assert (await change(root, ada.id, **body)).status_code == 200
    assert (await ada.me(ada.tokens["access_token"])).status_code == 200


@pytest.mark.parametrize(
    "body", [{"roles": ["root"]}, {"roles": "admin"}, {"disabled": "yes"}, {"disabled": 1}, {"email": "x@example.com"}]
)
async def test_nonsense_is_refused(root: Staff, body: dict[str, object]) -> None:
    assert (await change(root, root.id, **body)).status_code == 422


async def test_an_unknown_or_deleted_account_is_not_found(root: Staff, sign_up: SignUp) -> None:
    gone = await sign_up("ada@example.com")
    await gone.call("DELETE", "/users/me", gone.tokens)
    for user_id in (str(uuid4()), gone.id):
        assert (await root.call("GET", f"/users/{user_id}", root.tokens)).status_code == 404
        assert (await change(root, user_id, etag="*", disabled=True)).status_code == 404
        assert (await root.call("DELETE", f"/users/{user_id}/sessions", root.tokens)).status_code == 404


@pytest.mark.parametrize("body", [{"roles": ["reviewer"]}, {"roles": []}, {"disabled": True}])
async def test_the_last_admin_stays_one(root: Staff, sign_up: SignUp, body: dict[str, object]) -> None:
    second = await sign_up("second@example.com", "admin")
    assert (await change(root, second.id, disabled=True)).status_code == 200  # a disabled one does not count
    refused = await change(root, root.id, **body)
    assert (refused.status_code, refused.json()["code"]) == (409, "last-admin")
    assert (await root.me(root.tokens["access_token"])).status_code == 200


@pytest.mark.parametrize("how", ["roles", "disabled", "deleted"])
async def test_of_admins_who_leave_together_one_stays(sign_up: SignUp, sql: Sql, how: str) -> None:
    admins = [await sign_up(f"admin{number}@example.com", "admin") for number in range(5)]
    etags = [(await admin.call("GET", f"/users/{admin.id}", admin.tokens)).headers["etag"] for admin in admins]

    async def leave(admin: Staff, etag: str) -> httpx.Response:
        if how == "deleted":
            return await admin.call("DELETE", "/users/me", admin.tokens)
        body: dict[str, object] = {"roles": ["user"]} if how == "roles" else {"disabled": True}
        return await change(admin, admin.id, etag=etag, **body)

    answers = await asyncio.gather(*(leave(admin, etag) for admin, etag in zip(admins, etags, strict=True)))
    assert sorted(answer.status_code for answer in answers) == [202 if how == "deleted" else 200] * 4 + [409]
    (row,) = await sql("SELECT count(*) FROM account WHERE 'admin' = ANY (roles) AND disabled_at IS NULL")
    assert row["count"] == 1


async def test_all_sessions_of_somebody_are_ended(root: Staff, sign_up: SignUp) -> None:
    ada = await sign_up("ada@example.com")
    assert (await root.call("DELETE", f"/users/{ada.id}/sessions", root.tokens)).status_code == 204
    assert (await ada.me(ada.tokens["access_token"])).status_code == 401
    await ada.login()


async def test_every_change_is_on_record_with_who_and_what(root: Staff, sign_up: SignUp) -> None:
    ada = await sign_up("ada@example.com")
    await change(root, ada.id, roles=["reviewer"])
    await change(root, ada.id, disabled=True)
    await change(root, ada.id, disabled=False)
    await root.call("DELETE", f"/users/{ada.id}/sessions", root.tokens)
    answer = await root.call("GET", f"/audit-events?user_id={ada.id}&limit=4", root.tokens)
    events = answer.json()["items"]
    assert [event["kind"] for event in events] == [
        "sessions.ended", "user.enabled", "user.disabled", "user.roles_changed"
    ]  # fmt: skip
    assert {(event["actor_id"], event["user_id"]) for event in events} == {(root.id, ada.id)}
    assert events[-1]["details"] == {"before": ["user"], "after": ["user", "reviewer"]}
    rest = await root.call("GET", f"/audit-events?user_id={ada.id}&cursor={answer.json()['next_cursor']}", root.tokens)
    assert [event["kind"] for event in rest.json()["items"]] == ["login.succeeded", "account.registered"]
    some = await root.call("GET", "/audit-events?kind=login.succeeded", root.tokens)
    assert {event["kind"] for event in some.json()["items"]} == {"login.succeeded"}


async def test_other_services_refuse_a_disabled_account_after_their_next_poll_and_when_auth_is_away(
    root: Staff, sign_up: SignUp, app: FastAPI
) -> None:
    ada, eve = await sign_up("ada@example.com"), await sign_up("eve@example.com")
    revocations = Revocations()
    away = False
    ask = http_feed(ada.client, "http://test/internal/revocations")

    async def feed(since: int) -> Any:
        if away:
            raise httpx.ConnectError("auth is away")
        return await ask(since)

    follower = Follower(revocations, feed)
    verifier = TokenVerifier(JwksKeys("http://test/.well-known/jwks.json", ada.client), app.state.settings, revocations)
    for person in (ada, eve):
        await verifier.verify(person.tokens["access_token"])
    await change(root, ada.id, disabled=True)
    await follower.poll()
    away = True
    for _ in range(3):
        await follower.poll()
        with pytest.raises(Exception, match="not valid"):
            await verifier.verify(ada.tokens["access_token"])  # nothing revoked comes back
        await verifier.verify(eve.tokens["access_token"])  # what was verified goes on
    away = False
    await follower.poll()
    with pytest.raises(Exception, match="not valid"):
        await verifier.verify(ada.tokens["access_token"])
