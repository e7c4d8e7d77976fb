"""A new password: with the old one, or by mail."""

import asyncio

import httpx
import pytest
from services.auth.tests.conftest import PASSWORD, MailFolder, Person, Sql, text_of
from services.auth.tests.integration.test_throttling import attempt, exhaust

from auth_service.services.throttle import ACCOUNT, MAIL

pytestmark = pytest.mark.integration

NEW = "another easy sentence"
FORGOT, RESET = "/api/v1/auth/password/forgot", "/api/v1/auth/password/reset"


async def change(ada: Person, tokens: dict[str, str], current: str = PASSWORD, new: str = NEW) -> httpx.Response:
    return await ada.call("PUT", "/users/me/password", tokens, current_password=current, new_password=new)


async def test_a_change_ends_all_other_sessions_and_is_told_by_mail(ada: Person, mails: MailFolder) -> None:
    here, there = await ada.login(), await ada.login()
    assert (await change(ada, here)).status_code == 204
    assert (await ada.me(here["access_token"])).status_code == 200
    assert (await ada.refresh(here["refresh_token"])).status_code == 200
    assert (await ada.me(there["access_token"])).status_code == 401
    assert (await ada.refresh(there["refresh_token"])).json()["code"] == "invalid-refresh-token"
    assert (await attempt(ada.client, ada.address, PASSWORD)).status_code == 401
    await ada.login(NEW)
    mail = (await mails.to(ada.address))[-1]
    assert mail["Subject"] == "Your password was changed"
    assert NEW not in text_of(mail)


async def test_the_current_password_is_needed_and_guessing_it_is_slowed_down(ada: Person) -> None:
    tokens = await ada.login()
    for _ in range(ACCOUNT.free + 1):
        wrong = await change(ada, tokens, current="not the password")
        assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong-password")
    assert (await change(ada, tokens)).status_code == 429
    await ada.login()  # a thief of an access token does not close the front door


@pytest.mark.parametrize("new", ["short", "ada@example.com", "Ada Lovelace"])
async def test_a_weak_new_password_is_refused_by_name(ada: Person, new: str) -> None:
    refused = await change(ada, await ada.login(), new=new)
    assert (refused.status_code, refused.json()["code"]) == (422, "weak-password")
    assert [fault["pointer"] for fault in refused.json()["errors"]] == ["/new_password"]
    await ada.login()


async def test_of_parallel_changes_one_wins(ada: Person) -> None:
    tokens = await ada.login()
    news = [f"another easy sentence {number}" for number in range(5)]
    answers = await asyncio.gather(*(change(ada, tokens, new=new) for new in news))
    won = [new for new, answer in zip(news, answers, strict=True) if answer.status_code == 204]
    assert len(won) == 1
    await ada.login(won[0])


async def reset(ada: Person, token: str, password: str = NEW) -> httpx.Response:
    return await ada.client.post(RESET, json={"token": token, "password": password})


async def forgotten(ada: Person, mails: MailFolder) -> str:
    assert (await ada.client.post(FORGOT, json={"email": ada.address})).status_code == 202
    return await mails.token(ada.address)


async def test_a_reset_by_mail_sets_the_password_once_and_ends_every_session(ada: Person, mails: MailFolder) -> None:
    tokens = await ada.login()
    link = await forgotten(ada, mails)
    assert (await reset(ada, link)).status_code == 204
    assert (await ada.me(tokens["access_token"])).status_code == 401
    assert (await attempt(ada.client, ada.address, PASSWORD)).status_code == 401
    assert (await ada.me((await ada.login(NEW))["access_token"])).json()["email_verified"] is True
    again = await reset(ada, link, "a third easy sentence")
    assert (again.status_code, again.json()["code"]) == (410, "link-spent")
    assert (await mails.to(ada.address))[-1]["Subject"] == "Your password was changed"


async def test_of_parallel_resets_one_wins(ada: Person, mails: MailFolder) -> None:
    link = await forgotten(ada, mails)
    answers = await asyncio.gather(*(reset(ada, link, f"{NEW} {number}") for number in range(8)))
    assert sorted(answer.status_code for answer in answers) == [204] + [410] * 7


async def test_a_weak_password_does_not_spend_the_link(ada: Person, mails: MailFolder) -> None:
    link = await forgotten(ada, mails)
    assert (await reset(ada, link, "short")).status_code == 422
    assert (await reset(ada, link)).status_code == 204


@pytest.mark.parametrize("token", ["x", "x" * 43])
async def test_an_unknown_link_is_gone(ada: Person, token: str) -> None:
    assert (await reset(ada, token)).status_code == 410


async def test_an_old_link_is_gone(ada: Person, mails: MailFolder, sql: Sql) -> None:
    link = await forgotten(ada, mails)
    await sql("UPDATE password_reset SET expires_at = now()")
    assert (await reset(ada, link)).status_code == 410


async def test_a_changed_password_withdraws_links(ada: Person, mails: MailFolder) -> None:
    link = await forgotten(ada, mails)
    await change(ada, await ada.login())
    assert (await reset(ada, link)).status_code == 410


async def test_the_answer_does_not_tell_whether_the_address_is_known(ada: Person, mails: MailFolder, sql: Sql) -> None:
    known, unknown = [await ada.client.post(FORGOT, json={"email": email}) for email in (ada.address, "eve@x.example")]
    assert known.status_code == 202
    assert (unknown.status_code, unknown.content) == (known.status_code, known.content)
    assert set(known.headers) == set(unknown.headers)
    await mails.token(ada.address)
    assert await mails.to("eve@x.example") == []
    assert await sql("SELECT 1 FROM password_reset_request") == []


async def test_mails_for_a_new_password_are_bounded(ada: Person) -> None:
    for email in (ada.address, "eve@x.example"):
        statuses = [(await ada.client.post(FORGOT, json={"email": email})).status_code for _ in range(MAIL.free + 2)]
        assert statuses == [202] * (MAIL.free + 1) + [429]


async def test_a_reset_lets_the_owner_in_past_the_strangers(ada: Person, mails: MailFolder) -> None:
    await exhaust(ada.client, ada.address)
    await reset(ada, await forgotten(ada, mails))
    await ada.login(NEW)
