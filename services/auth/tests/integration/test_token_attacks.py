"""What is not our token opens no door (RFC 8725)."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from services.auth.tests.conftest import Person

from servicekit import testing

pytestmark = pytest.mark.integration

Forger = Callable[["Forge"], str]


class Forge:
    """What an attacker has: a good token, the public key, a key of their own; and, for a mutant of one claim, a door
    to the signer, as only then is that claim the reason for the refusal."""

    def __init__(self, good: str, app: FastAPI) -> None:
        self.good = good
        self.header = jwt.get_unverified_header(good)
        self.claims: dict[str, Any] = jwt.decode(good, options={"verify_signature": False})
        self.keys = app.state.signing_keys
        self.jwk = self.keys.jwks()[0]
        self.own_key = Ed25519PrivateKey.generate()

    def signed(self, header: dict[str, Any] | None = None, **claims: object) -> str:
        """Signed with the real key. What is None is left out."""
        parts = ({**self.header, **(header or {})}, {**self.claims, **claims})
        head, body = (encode({name: value for name, value in part.items() if value is not None}) for part in parts)
        signature = base64.urlsafe_b64encode(self.keys._signers[-1].private.sign(f"{head}.{body}".encode()))
        return f"{head}.{body}.{signature.decode().rstrip('=')}"

    def hmac(self, secret: bytes) -> str:
        """HS256 with what everybody knows as the secret: PyJWT itself refuses to do that."""
        head = encode({**self.header, "alg": "HS256"})
        signed = f"{head}.{encode(self.claims)}"
        signature = hmac.digest(secret, signed.encode(), hashlib.sha256)
        return f"{signed}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"

    def pem(self) -> bytes:
        """The public key as PEM."""
        public = jwt.PyJWK.from_dict(self.jwk, algorithm="EdDSA").key
        return bytes(public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))


def encode(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def flipped(token: str) -> str:
    head, body, signature = token.split(".")
    return f"{head}.{body}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


ATTACKS: dict[str, Forger] = {
    "alg none": lambda forge: f"{encode({**forge.header, 'alg': 'none'})}.{encode(forge.claims)}.",
    "alg None": lambda forge: f"{encode({**forge.header, 'alg': 'None'})}.{encode(forge.claims)}.",
    "HS256 with the public key as PEM": lambda forge: forge.hmac(forge.pem()),
    "HS256 with the public key as x": lambda forge: forge.hmac(forge.jwk["x"].encode()),
    "HS256 with the raw public key": lambda forge: forge.hmac(base64.urlsafe_b64decode(forge.jwk["x"] + "=")),
    "a key of one's own under our kid": lambda forge: jwt.encode(
        forge.claims, forge.own_key, algorithm="EdDSA", headers=forge.header
    ),
    "a key of one's own in the header": lambda forge: jwt.encode(
        forge.claims,
        forge.own_key,
        algorithm="EdDSA",
        headers={
            **forge.header,
            "jwk": jwt.algorithms.OKPAlgorithm.to_jwk(forge.own_key.public_key(), as_dict=True),
            "jku": "http://test/keys",
        },
    ),
    "unknown kid": lambda forge: forge.signed({"kid": "unknown"}),
    "no kid": lambda forge: forge.signed({"kid": None}),
    "a path as kid": lambda forge: forge.signed({"kid": "../../dev/null"}),
    "typ JWT": lambda forge: forge.signed({"typ": "JWT"}),
    "another typ": lambda forge: forge.signed({"typ": "rt+jwt"}),
    "crit": lambda forge: forge.signed({"crit": ["exp"]}),
    "another audience": lambda forge: forge.signed(aud="another"),
    "a list of audiences": lambda forge: forge.signed(aud=[forge.claims["aud"], "another"]),
    "another issuer": lambda forge: forge.signed(iss="http://127.0.0.1:8000.evil.test"),
    "part of the issuer": lambda forge: forge.signed(iss="http://127.0.0.1"),
    "expired": lambda forge: forge.signed(exp=int(time.time()) - 60),
    "no exp": lambda forge: forge.signed(exp=None),
    "not yet valid": lambda forge: forge.signed(nbf=int(time.time()) + 60),
    "issued in the future": lambda forge: forge.signed(iat=int(time.time()) + 60),
    "no sid": lambda forge: forge.signed(sid=None),
    "sub is no id": lambda forge: forge.signed(sub="admin"),
    "roles is a text": lambda forge: forge.signed(roles="admin"),
    "roles of numbers": lambda forge: forge.signed(roles=[1]),
    "changed claims": lambda forge: (
        f"{forge.good.split('.')[0]}.{encode({**forge.claims, 'roles': ['admin']})}.{forge.good.split('.')[2]}"
    ),
    "changed signature": lambda forge: flipped(forge.good),
    "cut off": lambda forge: forge.good[:-10],
    "no signature": lambda forge: forge.good.rpartition(".")[0] + ".",
    "two parts": lambda forge: forge.good.rpartition(".")[0],
    "twice": lambda forge: f"{forge.good}.{forge.good}",
    "very long": lambda forge: forge.good + "A" * 5000,
    "no token": lambda _forge: "null",
    "brackets": lambda _forge: "{}.{}.{}",
    "an encoded list": lambda _forge: "W10.W10.W10",
    "an encoded header of numbers": lambda _forge: f"{encode({'alg': 1, 'typ': 2, 'kid': 3})}.e30.",
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_attack_is_refused(ada: Person, app: FastAPI, attack: str) -> None:
    good = (await ada.login())["access_token"]
    assert (await ada.me(good)).status_code == 200
    forged = ATTACKS[attack](Forge(good, app))
    assert forged != good

    answer = await ada.me(forged)

    assert answer.status_code == 401, answer.text
    assert answer.json()["code"] == "invalid-token"
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_the_forge_can_sign_a_good_token(ada: Person, app: FastAPI) -> None:
    """Else the attacks above would prove nothing."""
    forge = Forge((await ada.login())["access_token"], app)
    assert (await ada.me(forge.signed(jti=str(uuid4())))).status_code == 200


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic YTpi", "bearer  two words", "Token x"])
async def test_no_bearer_token_is_no_sign_in(client: httpx.AsyncClient, header: str) -> None:
    answer = await client.get("/api/v1/users/me", headers={"Authorization": header})
    assert answer.status_code == 401


async def test_a_token_in_the_address_or_a_cookie_is_not_looked_at(ada: Person) -> None:
    token = (await ada.login())["access_token"]
    cookies = {"Cookie": f"access_token={token}"}
    answer = await ada.client.get("/api/v1/users/me", params={"access_token": token}, headers=cookies)
    assert answer.status_code == 401
    assert (await ada.client.get("/api/v1/users/me", headers=testing.bearer(token))).status_code == 200
