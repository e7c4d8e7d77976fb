"""What a verifier says of a token, at once and later: valid, and remembered for just as long as it is."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from servicekit import testing, tokens
from servicekit.problems import InvalidToken
from servicekit.revocations import Revocations
from servicekit.settings import ApiSettings
from servicekit.tokens import Principal, StaticKeys, TokenVerifier

SETTINGS = ApiSettings.example()
USER, SESSION = uuid4(), uuid4()
KEY = Ed25519PrivateKey.generate()
NOW = datetime(2026, 3, 1, tzinfo=UTC).timestamp()
CLAIMS = {
    "iss": SETTINGS.token_issuer, "aud": SETTINGS.token_audience, "iat": NOW, "exp": NOW + 600, "jti": "x",
    "sub": str(USER), "sid": str(SESSION), "roles": ["reviewer", "user"], "email_verified": True,
}  # fmt: skip
HEADER = {"typ": "at+jwt", "kid": "k"}


class Clock:
    """Time that passes when told to, for us and for PyJWT."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now = NOW
        clock = self

        class Moment(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> datetime:
                return datetime.fromtimestamp(clock.now, tz)

        patch.setattr(tokens, "time", self)
        patch.setattr("jwt.api_jwt.datetime", Moment)

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def revoked() -> Revocations:
    return Revocations()


@pytest.fixture
def verifier(clock: Clock, revoked: Revocations) -> TokenVerifier:
    return TokenVerifier(StaticKeys({"k": KEY.public_key()}), SETTINGS, revoked)


def signed(header: dict[str, Any] | None = None, **claims: object) -> str:
    """What is None is left out."""
    body = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    return jwt.encode(body, KEY, algorithm="EdDSA", headers={**HEADER, **(header or {})})


async def test_a_principal_is_what_the_token_says(verifier: TokenVerifier) -> None:
    assert await verifier.verify(signed()) == Principal(
        USER, SESSION, frozenset({"reviewer", "user"}), email_verified=True, expires_at=NOW + 600
    )


@pytest.mark.parametrize("said", [False, None, "true", 1])
async def test_an_address_is_verified_when_the_token_says_just_that(verifier: TokenVerifier, said: object) -> None:
    assert (await verifier.verify(signed(email_verified=said))).email_verified is False


@pytest.mark.parametrize("claim", ["iss", "aud", "exp", "iat", "jti", "sub", "sid", "roles"])
async def test_each_claim_must_be_there(verifier: TokenVerifier, claim: str) -> None:
    with pytest.raises(InvalidToken):
        await verifier.verify(signed(**{claim: None}))


@pytest.mark.parametrize(
    "claims",
    [
        {"roles": "user"}, {"roles": ["user", 1]}, {"roles": {"user": 1}}, {"sub": "ada"}, {"sid": 7}, {"sid": ""},
        {"iss": "http://elsewhere.test"}, {"aud": "another"}, {"aud": [SETTINGS.token_audience]},
    ],
)  # fmt: skip
async def test_claims_of_another_kind_are_refused(verifier: TokenVerifier, claims: dict[str, Any]) -> None:
    with pytest.raises(InvalidToken):
        await verifier.verify(signed(**claims))


@pytest.mark.parametrize(
    "header", [{"typ": "JWT"}, {"crit": ["exp"]}, {"crit": ["b64"]}, {"kid": "other"}, {"kid": ""}]
)
async def test_headers_of_another_kind_are_refused(verifier: TokenVerifier, header: dict[str, Any]) -> None:
    with pytest.raises(InvalidToken):
        await verifier.verify(signed(header))


def signed_by_hand(**header: object) -> str:
    """As PyJWT would, which leaves out the header ``b64``."""
    parts = ({**HEADER, "alg": "EdDSA", **header}, CLAIMS)
    content = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    return b".".join([content, base64.urlsafe_b64encode(KEY.sign(content)).rstrip(b"=")]).decode()


async def test_what_must_be_understood_is_refused_though_the_library_understands_it(verifier: TokenVerifier) -> None:
    assert (await verifier.verify(signed_by_hand())).user_id == USER
    with pytest.raises(InvalidToken):
        await verifier.verify(signed_by_hand(b64=True, crit=["b64"]))  # RFC 7797


async def test_a_clock_may_be_off_by_five_seconds(verifier: TokenVerifier, clock: Clock) -> None:
    clock.now = NOW + 604
    assert (await verifier.verify(signed())).user_id == USER
    clock.now = NOW + 606
    with pytest.raises(InvalidToken):
        await verifier.verify(signed())
    clock.now = NOW - 4
    assert (await verifier.verify(signed())).user_id == USER
    clock.now = NOW - 6
    with pytest.raises(InvalidToken):
        await verifier.verify(signed(jti="not remembered"))


async def test_what_was_not_verified_is_not_remembered(verifier: TokenVerifier) -> None:
    assert verifier.remembered(signed()) is None
    with pytest.raises(InvalidToken):
        await verifier.verify(signed(roles="admin"))
    assert verifier.remembered(signed(roles="admin")) is None


async def test_a_token_is_remembered_until_it_expires(verifier: TokenVerifier, clock: Clock) -> None:
    token = signed()
    principal = await verifier.verify(token)
    clock.now = NOW + 599
    assert verifier.remembered(token) is principal
    assert await verifier.verify(token) is principal
    assert verifier.remembered(signed(jti="another")) is None
    clock.now = NOW + 600
    assert verifier.remembered(token) is None


async def test_at_its_end_a_remembered_token_is_looked_at_anew(verifier: TokenVerifier, clock: Clock) -> None:
    token = signed()
    principal = await verifier.verify(token)
    clock.now = NOW + 600  # within the leeway
    assert await verifier.verify(token) is not principal
    clock.now = NOW + 606
    with pytest.raises(InvalidToken):
        await verifier.verify(token)


async def test_a_remembered_token_is_refused_once_its_session_has_ended(
    verifier: TokenVerifier, revoked: Revocations
) -> None:
    token = signed()
    await verifier.verify(token)
    revoked.add(SESSION, datetime.now(UTC) + timedelta(minutes=11))
    assert verifier.remembered(token) is None
    with pytest.raises(InvalidToken):
        await verifier.verify(token)


async def test_the_oldest_of_too_many_is_forgotten(verifier: TokenVerifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "CACHE_SIZE", 3)
    given = [signed(jti=str(number)) for number in range(4)]
    for token in given:
        await verifier.verify(token)
    assert [verifier.remembered(token) is None for token in given] == [True, False, False, False]


async def test_without_a_list_of_ended_sessions_none_has_ended(clock: Clock) -> None:
    verifier = TokenVerifier(StaticKeys({"k": KEY.public_key()}), SETTINGS)
    assert (await verifier.verify(signed())).session_id == SESSION


async def test_the_tokens_of_the_tests_are_good_ones() -> None:
    token = testing.make_token(UUID(int=1), ["user"], SETTINGS, email_verified=False)
    principal = await TokenVerifier(testing.test_keys(), SETTINGS).verify(token)
    assert (principal.user_id, principal.email_verified) == (UUID(int=1), False)
