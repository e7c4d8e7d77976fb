"""Register, and prove the address."""

import asyncio

import httpx
import pytest
from argon2 import PasswordHasher
from services.auth.tests.conftest import PASSWORD, MailFolder, Person, Sql, register, text_of

pytestmark = pytest.mark.integration

VERIFY = "/api/v1/auth/verify-email"


async def test_a_new_account_gets_a_link_that_verifies_its_address(ada: Person, mails: MailFolder) -> None:
    tokens = await ada.login()
    assert (await ada.me(tokens["access_token"])).json()["email_verified"] is False
    (mail,) = await mails.to(ada.address)
    assert mail["Subject"] == "Confirm your e-mail address"
    assert "Ada" not in text_of(mail)  # whoever registers must not write to a stranger through us

    answer = await ada.client.post(VERIFY, json={"token": await mails.token(ada.address)})

    assert answer.status_code == 204
    assert answer.content == b""
    assert (await ada.me(tokens["access_token"])).json()["email_verified"] is True


async def test_a_known_address_can_not_be_told_from_a_new_one(ada: Person, mails: MailFolder) -> None:
    new = await register(ada.client, "eve@example.com")
    known = await register(ada.client, ada.address, password="another long sentence", name="Eve")
    again = await register(ada.client, "ADA@Example.com")
    for answer in (new, known, again):
        assert answer.status_code == 202
        assert answer.content == new.content
        same = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
        assert same == {name: value for name, value in new.headers.items() if name != "x-request-id"}
        assert len(answer.headers["x-request-id"]) == len(new.headers["x-request-id"])
    assert [mail["Subject"] for mail in await mails.to(ada.address)] == [
        "Confirm your e-mail address",
        "You already have an account",
        "You already have an account",
    ]


async def test_known_and_new_addresses_cost_the_same_work(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, sql: Sql
) -> None:
    hashed: list[str] = []
    real = PasswordHasher.hash

    def counting(hasher: PasswordHasher, password: str) -> str:
        hashed.append(password)
        return real(hasher, password)

    monkeypatch.setattr(PasswordHasher, "hash", counting)
    for _ in range(2):
        await register(client, "ada@example.com")
    assert len(hashed) == 2
    assert len(await sql("SELECT 1 FROM outbox_mail")) == 2


async def test_registering_again_changes_nothing(ada: Person) -> None:
    await register(ada.client, ada.address, password="another long sentence", name="Eve")
    tokens = await ada.login(PASSWORD)
    assert (await ada.me(tokens["access_token"])).json()["name"] == "Ada Lovelace"
    refused = await ada.client.post(
        "/api/v1/auth/login", json={"email": ada.address, "password": "another long sentence"}
    )
    assert refused.status_code == 401


async def test_registering_again_gives_a_new_link_while_the_address_is_unproven(ada: Person, mails: MailFolder) -> None:
    await register(ada.client, ada.address)
    assert (await ada.client.post(VERIFY, json={"token": await mails.token(ada.address)})).status_code == 204

    await register(ada.client, ada.address)
    assert "token=" not in text_of((await mails.to(ada.address))[-1])


async def test_one_of_many_equal_registrations_makes_the_account(
    client: httpx.AsyncClient, sql: Sql, mails: MailFolder
) -> None:
    answers = await asyncio.gather(*(register(client, "ada@example.com") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {202, 429}  # so many mails to one address are too many
    assert len(await sql("SELECT 1 FROM account")) == 1
    subjects = [mail["Subject"] for mail in await mails.to("ada@example.com")]
    assert sorted(set(subjects)) == ["Confirm your e-mail address", "You already have an account"]
    assert subjects.count("Confirm your e-mail address") == 1


async def test_of_many_equal_verifications_one_works(ada: Person, mails: MailFolder) -> None:
    token = await mails.token(ada.address)
    answers = await asyncio.gather(*(ada.client.post(VERIFY, json={"token": token}) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [204] + [410] * 19
    gone = next(answer for answer in answers if answer.status_code == 410)
    assert gone.json()["code"] == "link-spent"


async def test_an_unknown_token_answers_as_a_spent_one(client: httpx.AsyncClient) -> None:
    answer = await client.post(VERIFY, json={"token": "A" * 43})
    assert (answer.status_code, answer.json()["code"]) == (410, "link-spent")


async def test_a_link_works_for_a_day(ada: Person, mails: MailFolder, sql: Sql) -> None:
    await sql("UPDATE email_verification SET expires_at = expires_at - interval '24 hours'")
    answer = await ada.client.post(VERIFY, json={"token": await mails.token(ada.address)})
    assert answer.status_code == 410
    rows = await sql("SELECT expires_at + interval '24 hours' - created_at AS life FROM email_verification")
    assert [row["life"].total_seconds() for row in rows] == [24 * 3600]


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"password": "few words"}, "/password", "password-too-short"),
        ({"password": "a" * 257}, "/password", "password-too-long"),
        ({"password": "ADA@example.com"}, "/password", "password-is-name"),
        ({"password": "ada lovelace"}, "/password", "password-is-name"),
        ({"password": "a" * 1025}, "/password", "too-long"),
        ({"email": "no address"}, "/email", "value-error"),
        ({"email": "ada@example.com "}, None, None),  # trimmed
        ({"name": ""}, "/name", "string-too-short"),
        ({"name": "  "}, "/name", "string-too-short"),
        ({"name": "a" * 101}, "/name", "string-too-long"),
        ({"name": "Ada\nLovelace"}, "/name", "string-pattern-mismatch"),
        ({"name": "\u202eada"}, "/name", "string-pattern-mismatch"),
        ({"name": "\u200b\u00ad \u0301"}, "/name", "value-error"),  # nothing to see
        ({"name": "\u3164\u2800"}, "/name", "value-error"),
        ({"roles": "admin"}, "/roles", "extra-forbidden"),
    ],
)
async def test_input_is_checked(
    client: httpx.AsyncClient, changes: dict[str, str], pointer: str | None, code: str | None
) -> None:
    body = {"email": "ada@example.com", "password": PASSWORD, "name": "Ada Lovelace", **changes}
    answer = await client.post("/api/v1/auth/register", json=body)
    if pointer is None:
        assert answer.status_code == 202
        return
    assert answer.status_code == 422
    assert [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]] == [(pointer, code)]
    sent = next(iter(changes.values()))
    assert len(sent.strip()) < 3 or sent not in answer.text


async def test_a_password_is_the_same_on_every_keyboard(client: httpx.AsyncClient) -> None:
    await register(client, "ada@example.com", password="cafe\u0301 cafe\u0301 cafe\u0301")
    assert (await Person(client, "ada@example.com").login("café café café"))["token_type"] == "bearer"
    refused = await client.post("/api/v1/auth/login", json={"email": "ada@example.com", "password": "Café café café"})
    assert refused.status_code == 401


async def test_white_space_around_a_password_counts(client: httpx.AsyncClient) -> None:
    await register(client, "ada@example.com", password=f" {PASSWORD} ")
    ada = Person(client, "ada@example.com")
    assert await ada.login(f" {PASSWORD} ")
    refused = await client.post("/api/v1/auth/login", json={"email": ada.address, "password": PASSWORD})
    assert refused.status_code == 401
