"""Guessing costs time, and nobody is locked out by somebody else's guesses."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from services.auth.tests.conftest import PASSWORD, Person, Sql, register

from auth_service.dependencies import network_of
from auth_service.services.throttle import ACCOUNT, MAIL, NETWORK
from servicekit import testing

pytestmark = pytest.mark.integration

WRONG = "a wrong long sentence"
LOGIN = "/api/v1/auth/login"


async def attempt(client: httpx.AsyncClient, email: str, password: str = WRONG, **headers: str) -> httpx.Response:
    body = {"email": email, "password": password}
    return await client.post(LOGIN, json=body, headers={name.replace("_", "-"): text for name, text in headers.items()})


async def exhaust(client: httpx.AsyncClient, email: str, **headers: str) -> None:
    """Fail so often that the door closes."""
    for _ in range(ACCOUNT.free + 1):
        assert (await attempt(client, email, **headers)).status_code == 401


async def let_blocks_end(sql: Sql) -> None:
    await sql("UPDATE throttle_bucket SET blocked_until = now()")


@pytest.mark.parametrize("email", ["ada@example.com", "nobody@example.com", "not an address"])
async def test_too_many_wrong_passwords_close_the_door_for_known_and_unknown_alike(ada: Person, email: str) -> None:
    await exhaust(ada.client, email)
    refused = await attempt(ada.client, email, PASSWORD)
    assert (refused.status_code, refused.json()["code"]) == (429, "too-many-tries")
    assert 0 < int(refused.headers["retry-after"]) <= ACCOUNT.first
    form = await ada.client.post("/api/v1/auth/token", data={"username": email, "password": PASSWORD})
    assert form.status_code == 429


async def test_delays_grow_up_to_a_bound_and_tries_meanwhile_do_not_count(ada: Person, sql: Sql) -> None:
    await exhaust(ada.client, ada.address)
    waits = []
    for _ in range(10):
        refused = [await attempt(ada.client, ada.address) for _ in range(2)]
        assert [answer.status_code for answer in refused] == [429, 429]
        waits.append(int(refused[0].headers["retry-after"]))
        await let_blocks_end(sql)
        assert (await attempt(ada.client, ada.address)).status_code == 401
    expected = [min(ACCOUNT.longest, ACCOUNT.first * 2**power) for power in range(10)]
    assert all(0 <= wanted - wait <= 2 for wanted, wait in zip(expected, waits, strict=True)), waits


async def test_after_the_wait_the_right_password_opens_and_all_is_forgiven(ada: Person, sql: Sql) -> None:
    await exhaust(ada.client, ada.address)
    await let_blocks_end(sql)
    await ada.login()
    for _ in range(ACCOUNT.free):
        assert (await attempt(ada.client, ada.address)).status_code == 401
    await ada.login()


async def test_failures_are_forgotten_in_time(ada: Person, sql: Sql) -> None:
    await exhaust(ada.client, ada.address)
    await sql("UPDATE throttle_bucket SET blocked_until = now(), expires_at = now()")
    for _ in range(ACCOUNT.free):
        assert (await attempt(ada.client, ada.address)).status_code == 401
    await ada.login()


async def test_the_owners_known_device_gets_in_while_strangers_hammer(ada: Person) -> None:
    first = await attempt(ada.client, ada.address, PASSWORD)
    device = first.headers["device-token"]
    await exhaust(ada.client, ada.address)
    assert (await attempt(ada.client, ada.address, PASSWORD)).status_code == 429

    again = await attempt(ada.client, ada.address, PASSWORD, device_token=device)

    assert (again.status_code, again.headers["device-token"]) == (200, device)
    assert (await attempt(ada.client, ada.address, PASSWORD)).status_code == 429  # it opened no door for the strangers
    assert (await ada.refresh(first.json()["refresh_token"])).status_code == 200


async def test_a_device_token_is_no_free_ticket(ada: Person, client: httpx.AsyncClient) -> None:
    device = (await attempt(client, ada.address, PASSWORD)).headers["device-token"]
    await register(client, "eve@example.com")
    eves = (await attempt(client, "eve@example.com", PASSWORD)).headers["device-token"]
    await exhaust(client, ada.address)
    for worthless in (eves, device + "x", device[1:], ".", "x", "é.é"):
        sent = worthless.encode()
        answer = await client.post(
            LOGIN, json={"email": ada.address, "password": PASSWORD}, headers=[(b"device-token", sent)]
        )
        assert answer.status_code == 429
    await exhaust(client, ada.address, device_token=device)
    assert (await attempt(client, ada.address, PASSWORD, device_token=device)).status_code == 429


def failures_within(seconds: float) -> int:
    """How many wrong guesses an account takes in that time, one by one."""
    failures, wait = ACCOUNT.free + 1, ACCOUNT.first
    while seconds >= wait:
        failures, wait, seconds = failures + 1, wait * 2, seconds - wait
    return failures


async def test_of_many_guesses_at_once_no_more_count_than_one_by_one(ada: Person) -> None:
    began = time.monotonic()
    guesses = [attempt(ada.client, ada.address, "wrong") for _ in range(40)]
    statuses = [answer.status_code for answer in await asyncio.gather(*guesses)]
    most = failures_within(time.monotonic() - began)  # on a busy machine the first wait may pass meanwhile
    assert statuses.count(401) <= most
    assert statuses.count(429) == 40 - statuses.count(401)


async def test_parallel_sign_ins_of_the_owner_do_not_hurt_each_other(ada: Person) -> None:
    statuses = [
        answer.status_code
        for answer in await asyncio.gather(*(attempt(ada.client, ada.address, PASSWORD) for _ in range(20)))
    ]
    assert statuses == [200] * 20


async def test_one_network_is_slowed_down_over_many_accounts_but_others_are_not(ada: Person, sql: Sql) -> None:
    here, there = {"X_Forwarded_For": "198.51.100.7"}, {"X_Forwarded_For": "6.6.6.6, 203.0.113.9"}
    await attempt(ada.client, "somebody@example.com", **here)
    await sql("UPDATE throttle_bucket SET failures = $1", NETWORK.free)
    assert (await attempt(ada.client, "another@example.com", **here)).status_code == 401
    assert (await attempt(ada.client, ada.address, PASSWORD, **here)).status_code == 429
    verify = await ada.client.post(
        "/api/v1/auth/verify-email", json={"token": "x"}, headers={"X-Forwarded-For": "198.51.100.7"}
    )
    assert verify.status_code == 429
    assert (await attempt(ada.client, ada.address, PASSWORD, **there)).status_code == 200


async def test_a_trickle_of_mistakes_in_a_network_does_not_add_up(ada: Person, sql: Sql) -> None:
    here = {"X_Forwarded_For": "198.51.100.7"}
    await attempt(ada.client, "one@example.com", **here)
    network = "SELECT expires_at, failures FROM throttle_bucket ORDER BY failures DESC LIMIT 1"
    await attempt(ada.client, "two@example.com", **here)
    (first,) = await sql(network)
    await attempt(ada.client, "three@example.com", **here)
    (later,) = await sql(network)
    assert (first["failures"], later["failures"]) == (2, 3)
    assert later["expires_at"] == first["expires_at"]


async def test_the_address_of_the_pages_is_never_held_up_as_a_network(ada: Person, sql: Sql) -> None:
    await attempt(ada.client, "somebody@example.com")
    await sql("UPDATE throttle_bucket SET failures = $1", NETWORK.free * 10)
    assert (await attempt(ada.client, "another@example.com")).status_code == 401
    assert (await attempt(ada.client, ada.address, PASSWORD)).status_code == 200


async def test_wrong_links_are_counted_for_the_network(client: httpx.AsyncClient, sql: Sql) -> None:
    for _ in range(3):
        assert (await client.post("/api/v1/auth/verify-email", json={"token": "x" * 43})).status_code == 410
    assert [row["failures"] for row in await sql("SELECT failures FROM throttle_bucket")] == [3]


async def test_mails_to_one_address_are_bounded_whether_it_is_known_or_not(client: httpx.AsyncClient) -> None:
    for number in range(MAIL.free + 1):
        assert (await register(client, "ada@example.com")).status_code == 202, number
    refused = await register(client, "ada@example.com")
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) <= MAIL.first
    assert (await register(client, "eve@example.com")).status_code == 202


async def test_the_counts_name_nobody(ada: Person, sql: Sql) -> None:
    await attempt(ada.client, ada.address)
    for row in await sql("SELECT key FROM throttle_bucket"):
        assert len(row["key"]) == 32
        assert b"ada" not in row["key"]


@pytest.fixture
async def restarted(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A process that remembers nothing by itself."""
    from auth_service.main import create_app

    async with testing.running(create_app(app.state.settings)) as another, testing.client_of(another) as client:
        yield client


async def test_a_restart_opens_no_door(ada: Person, restarted: httpx.AsyncClient) -> None:
    await exhaust(ada.client, ada.address)
    assert (await attempt(restarted, ada.address, PASSWORD)).status_code == 429


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("nonsense", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_network_is_what_one_subscriber_has(address: str, network: str) -> None:
    assert network_of(address) == network
