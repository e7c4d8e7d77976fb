"""What a signing key is good for, as time goes by."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from pydantic import SecretStr

from auth_service.models import SigningKey
from auth_service.services import signing_keys
from auth_service.services.signing_keys import KeyState, SigningKeys, statuses

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
NEXT, SIGNING, VERIFYING, RETIRED = KeyState.NEXT, KeyState.SIGNING, KeyState.VERIFYING, KeyState.RETIRED


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    class Moment(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return NOW.astimezone(tz)

    monkeypatch.setattr(signing_keys, "datetime", Moment)


@pytest.fixture
def keys() -> SigningKeys:
    return SigningKeys(SecretStr("a-secret-of-the-tests-0123456789-abcdefghij"))


def stored(keys: SigningKeys, signs_from: datetime) -> SigningKey:
    """A new key as it stands in the database."""
    kid, jwk, sealed = keys._new_key()
    return SigningKey(kid=kid, public_jwk=jwk, private_key=sealed, signs_from=signs_from)


@pytest.mark.parametrize(
    ("ages", "states"),
    [
        ([0], [SIGNING]),
        ([-60], [SIGNING]),  # the first is never waited for
        ([9999, 1], [VERIFYING, SIGNING]),
        ([9999, 0], [VERIFYING, SIGNING]),
        ([9999, -1], [SIGNING, NEXT]),
        ([9999, 659], [VERIFYING, SIGNING]),
        ([9999, 660], [RETIRED, SIGNING]),
        ([9999, 5000, 10, -10], [RETIRED, VERIFYING, SIGNING, NEXT]),
        ([], []),
    ],
)
def test_a_key_verifies_eleven_minutes_longer_than_it_signs(ages: list[int], states: list[KeyState]) -> None:
    rows = [
        SigningKey(kid=f"k{number}", public_jwk={}, private_key=b"", signs_from=NOW - age * SECOND)
        for number, age in enumerate(ages)
    ]
    found = statuses(rows)
    assert [status.state for status in found] == states
    assert [(status.kid, status.signs_from) for status in found] == [(row.kid, row.signs_from) for row in rows]


async def test_the_newest_that_may_sign_signs_and_all_that_live_verify(keys: SigningKeys) -> None:
    rows = [stored(keys, NOW - age * SECOND) for age in (9999, 5000, 10, -10)]
    keys._take(rows)
    token = keys.sign({"sub": "x"})
    assert jwt.get_unverified_header(token) == {"alg": "EdDSA", "typ": "at+jwt", "kid": rows[2].kid}
    assert [key["kid"] for key in keys.jwks()] == [row.kid for row in rows[1:]]
    assert [await keys.key(row.kid) is None for row in rows] == [True, False, False, False]
    public = await keys.key(rows[2].kid)
    assert public is not None
    assert jwt.decode(token, public, algorithms=["EdDSA"]) == {"sub": "x"}


def test_a_key_signs_from_its_very_moment(keys: SigningKeys) -> None:
    old, new = stored(keys, NOW - SECOND), stored(keys, NOW)
    keys._take([old, new])
    assert jwt.get_unverified_header(keys.sign({}))["kid"] == new.kid


def test_a_first_key_that_is_early_signs_all_the_same(keys: SigningKeys) -> None:
    row = stored(keys, NOW + SECOND)
    keys._take([row])
    assert jwt.get_unverified_header(keys.sign({}))["kid"] == row.kid


def test_a_published_key_says_what_it_is_for_and_is_named_by_its_thumbprint(keys: SigningKeys) -> None:
    keys._take([stored(keys, NOW)])
    (published,) = keys.jwks()
    assert published | {"x": "", "kid": ""} == {
        "kty": "OKP", "crv": "Ed25519", "x": "", "kid": "", "use": "sig", "alg": "EdDSA",
    }  # fmt: skip
    members = f'{{"crv":"Ed25519","kty":"OKP","x":"{published["x"]}"}}'  # RFC 7638, 3.2 and RFC 8037, 2
    assert json.loads(members)["x"] == published["x"]
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(members.encode()).digest()).decode().rstrip("=")
    assert published["kid"] == thumbprint


async def test_no_key_is_known_before_the_keys_are_there(keys: SigningKeys) -> None:
    assert await keys.key("any") is None
    assert keys.jwks() == []


def test_nothing_is_signed_before_the_keys_are_there(keys: SigningKeys) -> None:
    with pytest.raises(RuntimeError, match=r"^the signing keys were never loaded$"):
        keys.sign({})
