"""Codes of an authenticator app, and recovery codes."""

import asyncio
import base64
import time
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from services.auth.tests.conftest import PASSWORD, MailFolder, Person, Sql
from services.auth.tests.integration.test_password_changes import NEW, forgotten, reset
from services.auth.tests.integration.test_throttling import attempt, let_blocks_end

from auth_service.one_time_codes import code_at, step_at
from auth_service.services.throttle import ACCOUNT

pytestmark = pytest.mark.integration

TOTP = "/users/me/totp"


@dataclass
class App:
    """An authenticator app whose clock can be set."""

    secret: bytes
    ahead: int = 0

    def code(self) -> str:
        return code_at(self.secret, step_at(time.time()) + self.ahead)


@dataclass(frozen=True)
class Protected:
    """Ada with a second factor."""

    person: Person
    tokens: dict[str, Any]
    app: App
    recovery_codes: list[str]

    async def challenge(self) -> str:
        answer = await attempt(self.person.client, self.person.address, PASSWORD)
        assert answer.status_code == 200
        assert answer.json().keys() == {"mfa_required", "mfa_token"}
        assert "device-token" not in answer.headers
        token: str = answer.json()["mfa_token"]
        return token

    async def finish(self, mfa_token: str, code: str, **headers: str) -> httpx.Response:
        body = {"mfa_token": mfa_token, "code": code}
        sent = {name.replace("_", "-"): text for name, text in headers.items()}
        return await self.person.client.post("/api/v1/auth/mfa", json=body, headers=sent)


async def propose(ada: Person, tokens: dict[str, Any]) -> App:
    answer = await ada.call("POST", TOTP, tokens, password=PASSWORD)
    assert answer.status_code == 201
    assert answer.json().keys() == {"secret", "otpauth_uri"}
    return App(base64.b32decode(answer.json()["secret"]), ahead=-1)


@pytest.fixture
async def protected(ada: Person) -> Protected:
    tokens = await ada.login()
    app = await propose(ada, tokens)
    answer = await ada.call("POST", f"{TOTP}/confirm", tokens, code=app.code())
    assert answer.status_code == 200
    app.ahead = 0
    return Protected(ada, tokens, app, answer.json()["recovery_codes"])


async def test_a_sign_in_needs_password_and_code(protected: Protected) -> None:
    me = await protected.person.me(protected.tokens["access_token"])
    assert me.json()["mfa_enabled"] is True
    token = await protected.challenge()
    answer = await protected.finish(token, protected.app.code())
    assert answer.status_code == 200
    assert answer.json().keys() == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (await protected.person.me(answer.json()["access_token"])).status_code == 200
    again = await protected.finish(token, protected.recovery_codes[0])
    assert (again.status_code, again.json()["code"]) == (401, "invalid-mfa-token")


async def test_a_new_password_by_mail_is_no_way_around_it(protected: Protected, mails: MailFolder) -> None:
    link = await forgotten(protected.person, mails)
    assert (await reset(protected.person, link)).status_code == 204
    answer = await attempt(protected.person.client, protected.person.address, NEW)
    assert answer.json().keys() == {"mfa_required", "mfa_token"}
    assert (await protected.finish(answer.json()["mfa_token"], "000000")).status_code == 401
    assert (await protected.finish(answer.json()["mfa_token"], protected.app.code())).status_code == 200


async def test_the_form_asks_for_the_code_too(protected: Protected) -> None:
    form = {"username": protected.person.address, "password": PASSWORD}
    answer = await protected.person.client.post("/api/v1/auth/token", data=form)
    assert answer.json()["mfa_required"] is True


async def test_a_code_works_once_even_of_many_at_the_same_moment(protected: Protected) -> None:
    tokens = [await protected.challenge() for _ in range(4)]
    code = protected.app.code()
    answers = await asyncio.gather(*(protected.finish(token, code) for token in tokens))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]
    replay = await protected.finish(await protected.challenge(), code)
    assert (replay.status_code, replay.json()["code"]) == (401, "wrong-code")
    protected.app.ahead = -1  # an older period than the one used last
    assert (await protected.finish(await protected.challenge(), protected.app.code())).status_code == 401
    protected.app.ahead = 1
    assert (await protected.finish(await protected.challenge(), protected.app.code())).status_code == 200


async def test_each_recovery_code_works_once(protected: Protected) -> None:
    assert len(set(protected.recovery_codes)) == 10
    code = protected.recovery_codes[3]
    assert (await protected.finish(await protected.challenge(), code.upper())).status_code == 200
    assert (await protected.finish(await protected.challenge(), code)).status_code == 401
    assert (await protected.finish(await protected.challenge(), protected.recovery_codes[4])).status_code == 200


async def test_guessing_codes_is_slowed_down_whatever_the_token(protected: Protected, sql: Sql) -> None:
    device = (await protected.finish(await protected.challenge(), protected.app.code())).headers["device-token"]
    for _ in range(ACCOUNT.free + 1):
        wrong = await protected.finish(await protected.challenge(), "000000")
        assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong-code")
    refused = await protected.finish(await protected.challenge(), protected.recovery_codes[0])
    assert (refused.status_code, refused.json()["code"]) == (429, "too-many-tries")
    known = await protected.finish(await protected.challenge(), protected.recovery_codes[1], device_token=device)
    assert known.status_code == 200
    await let_blocks_end(sql)
    assert (await protected.finish(await protected.challenge(), protected.recovery_codes[0])).status_code == 200


async def test_a_challenge_ends_in_time_and_with_the_password_it_was_for(protected: Protected, sql: Sql) -> None:
    token = await protected.challenge()
    await sql("UPDATE mfa_challenge SET expires_at = now()")
    assert (await protected.finish(token, protected.app.code())).json()["code"] == "invalid-mfa-token"
    token = await protected.challenge()
    changed = await protected.person.call(
        "PUT", "/users/me/password", protected.tokens, current_password=PASSWORD, new_password="another easy sentence"
    )
    assert changed.status_code == 204
    assert (await protected.finish(token, protected.app.code())).json()["code"] == "invalid-mfa-token"


async def test_an_unknown_token_is_refused(protected: Protected) -> None:
    assert (await protected.finish("x" * 43, protected.app.code())).json()["code"] == "invalid-mfa-token"


async def test_setting_up_needs_password_and_a_right_code(ada: Person) -> None:
    tokens = await ada.login()
    wrong = await ada.call("POST", TOTP, tokens, password="not the password")
    assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong-password")
    nothing = await ada.call("POST", f"{TOTP}/confirm", tokens, code="123456")
    assert (nothing.status_code, nothing.json()["code"]) == (409, "totp-not-enabled")
    older, app = await propose(ada, tokens), await propose(ada, tokens)
    wrong = await ada.call("POST", f"{TOTP}/confirm", tokens, code=older.code())
    assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong-code")
    assert (await ada.login()).keys() >= {"access_token"}  # not on yet
    assert (await ada.call("POST", f"{TOTP}/confirm", tokens, code=app.code())).status_code == 200


async def test_it_is_set_up_once_and_switched_off_with_the_password(protected: Protected, mails: MailFolder) -> None:
    ada, tokens = protected.person, protected.tokens
    for path, body in ((TOTP, {"password": PASSWORD}), (f"{TOTP}/confirm", {"code": "123456"})):
        again = await ada.call("POST", path, tokens, **body)
        assert (again.status_code, again.json()["code"]) == (409, "totp-enabled")
    wrong = await ada.call("DELETE", TOTP, tokens, password="not the password")
    assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong-password")
    assert (await ada.call("DELETE", TOTP, tokens)).status_code == 422
    assert (await ada.call("DELETE", TOTP, tokens, password=PASSWORD)).status_code == 204
    assert (await ada.login()).keys() >= {"access_token"}
    assert (await ada.call("DELETE", TOTP, tokens, password=PASSWORD)).json()["code"] == "totp-not-enabled"
    subjects = [mail["Subject"] for mail in await mails.to(ada.address)]
    assert subjects[-2:] == ["The second factor was switched on", "The second factor was switched off"]


async def test_what_is_shared_rests_sealed_and_hashed(protected: Protected, sql: Sql) -> None:
    (row,) = await sql("SELECT secret FROM totp")
    assert protected.app.secret not in row["secret"]
    assert len(row["secret"]) == 12 + 20 + 16
    for row in await sql("SELECT code_hash FROM recovery_code"):
        assert len(row["code_hash"]) == 32
    told = str(await sql("SELECT * FROM audit_event"))
    assert all(code not in told for code in protected.recovery_codes)
