"""Sign in with a password."""

import httpx
import pytest
from argon2 import PasswordHasher
from services.auth.tests.conftest import PASSWORD, Person, Sql

from auth_service.errors import InvalidCredentials

pytestmark = pytest.mark.integration

LOGIN = "/api/v1/auth/login"
TOKEN = "/api/v1/auth/token"


async def test_login_gives_a_pair_of_tokens(ada: Person) -> None:
    answer = await ada.client.post(LOGIN, json={"email": " ADA@example.com", "password": PASSWORD})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.json().keys() == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("bearer", 600)
    assert len(answer.json()["refresh_token"]) == 43
    me = await ada.me(answer.json()["access_token"])
    assert me.json()["email"] == "ada@example.com"


async def test_the_form_answers_as_login_does(ada: Person) -> None:
    form = {"grant_type": "password", "username": ada.address, "password": PASSWORD}
    answer = await ada.client.post(TOKEN, data=form)
    assert answer.status_code == 200
    assert answer.json().keys() == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (await ada.me(answer.json()["access_token"])).status_code == 200


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ada@example.com", "a wrong long sentence"),
        ("ada@example.com", ""),
        ("ada@example.com", "a" * 1000),
        ("ada@example.com", PASSWORD.upper()),
        ("eve@example.com", PASSWORD),
        ("", PASSWORD),
        ("not an address", PASSWORD),
        ("' OR 1=1 --", PASSWORD),
    ],
)
async def test_every_refusal_has_one_text(ada: Person, email: str, password: str) -> None:
    refused = await ada.client.post(LOGIN, json={"email": email, "password": password})
    assert refused.status_code == 401
    problem = refused.json()
    del problem["request_id"]
    assert problem == {
        "type": "/problems/invalid-credentials",
        "title": "E-mail or password is wrong",
        "status": 401,
        "detail": " ".join(str(InvalidCredentials.__doc__).split()),
        "instance": LOGIN,
        "code": "invalid-credentials",
    }
    assert refused.headers["www-authenticate"] == "Bearer"


async def test_the_form_refuses_with_the_same_problem(ada: Person) -> None:
    refused = await ada.client.post(TOKEN, data={"username": ada.address, "password": "wrong"})
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid-credentials")
    json = await ada.client.post(TOKEN, json={"username": ada.address, "password": PASSWORD})
    assert (json.status_code, json.json()["code"]) == (415, "unsupported-media-type")
    nul = await ada.client.post(TOKEN, content=b"username=ada%00%40example.com&password=%00", headers={
        "Content-Type": "application/x-www-form-urlencoded"
    })  # fmt: skip
    assert (nul.status_code, nul.json()["code"]) == (401, "invalid-credentials")


async def test_the_form_needs_both_fields(client: httpx.AsyncClient) -> None:
    refused = await client.post(TOKEN, data={"username": "ada@example.com"})
    assert refused.status_code == 422
    assert [fault["pointer"] for fault in refused.json()["errors"]] == ["/password"]


async def test_an_unknown_user_costs_a_hash_as_a_known_one_does(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []
    real = PasswordHasher.verify

    def counting(hasher: PasswordHasher, stored: str, password: str) -> bool:
        verified.append(stored)
        return bool(real(hasher, stored, password))

    monkeypatch.setattr(PasswordHasher, "verify", counting)
    for email in (ada.address, "eve@example.com", "not an address"):
        await ada.client.post(LOGIN, json={"email": email, "password": "a wrong long sentence"})
    assert len(verified) == 3
    assert {stored.rsplit("$", 2)[0] for stored in verified} == {"$argon2id$v=19$m=19456,t=2,p=1"}


async def test_passwords_rest_as_argon2id_and_old_parameters_are_renewed_on_login(ada: Person, sql: Sql) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(PASSWORD)
    await sql("UPDATE account SET password_hash = $1", old)

    await ada.login()

    (row,) = await sql("SELECT password_hash FROM account")
    assert row["password_hash"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    await ada.login()
    assert (await sql("SELECT password_hash FROM account")) == [row]


async def test_each_login_is_a_session_of_its_own(ada: Person) -> None:
    phone, laptop = await ada.login(), await ada.login()
    assert phone["refresh_token"] != laptop["refresh_token"]
    await ada.client.post("/api/v1/auth/logout", headers={"Authorization": f"Bearer {phone['access_token']}"})
    assert (await ada.me(laptop["access_token"])).status_code == 200


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b'{"email": "a@example.com"}', "application/json", 422),
        (b'{"email": "a@example.com", "password": "x", "otp": 1}', "application/json", 422),
        (b'{"email": "a@example.com", "password": 1}', "application/json", 422),
        (b'{"email": "a\\u0000@example.com", "password": "x"}', "application/json", 422),
        (b"email=a&password=b", "application/x-www-form-urlencoded", 415),
        (b"{", "application/json", 400),
    ],
)
async def test_a_malformed_body_is_no_login(
    client: httpx.AsyncClient, content: bytes, media_type: str, status: int
) -> None:
    answer = await client.post(LOGIN, content=content, headers={"Content-Type": media_type})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
