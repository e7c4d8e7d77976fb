"""Access tokens and the keys behind them."""

import asyncio
import time
from operator import ge
from uuid import UUID

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from pydantic import SecretStr
from services.auth.tests.conftest import Person, Sql, register
from services.auth.tests.integration.test_command_line import Shell
from sqlalchemy import text

from auth_service.main import create_app
from auth_service.repositories.signing_keys import SigningKeyRepository
from auth_service.services.signing_keys import SigningKeys, WrongSigningKeySecret
from auth_service.settings import Settings
from servicekit import testing
from servicekit.db import Database
from servicekit.tokens import JwksKeys, TokenVerifier

pytestmark = pytest.mark.integration

JWKS = "/.well-known/jwks.json"


async def test_the_token_has_just_the_header_and_the_claims_of_the_contract(ada: Person, settings: Settings) -> None:
    token = (await ada.login())["access_token"]
    (key,) = (await ada.client.get(JWKS)).json()["keys"]
    assert jwt.get_unverified_header(token) == {"alg": "EdDSA", "typ": "at+jwt", "kid": key["kid"]}
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims.keys() == {"iss", "aud", "exp", "iat", "jti", "sub", "sid", "roles", "email_verified"}
    assert (claims["iss"], claims["aud"]) == (settings.token_issuer, settings.token_audience)
    assert claims["exp"] - claims["iat"] == 600
    assert abs(claims["iat"] - time.time()) < 60
    assert claims["roles"] == ["user"]
    assert "Ada" not in str(claims)
    assert "@" not in str(claims)
    for name in ("jti", "sub", "sid"):
        assert str(UUID(claims[name])) == claims[name]


async def test_other_services_verify_it_with_the_published_keys(ada: Person, settings: Settings, sql: Sql) -> None:
    await sql("UPDATE account SET roles = '{user,reviewer}', email_verified_at = now()")
    token = (await ada.login())["access_token"]
    principal = await TokenVerifier(JwksKeys(f"http://test{JWKS}", ada.client), settings).verify(token)
    assert principal.roles == {"user", "reviewer"}
    assert principal.email_verified is True
    assert str(principal.user_id) == (await ada.me(token)).json()["id"]


async def test_the_key_set_is_public_and_cacheable_and_holds_nothing_private(client: httpx.AsyncClient) -> None:
    answer = await client.get(JWKS)
    assert answer.headers["cache-control"] == "public, max-age=300"
    (key,) = answer.json()["keys"]
    assert key.keys() == {"kty", "crv", "x", "kid", "use", "alg"}
    again = await client.get(JWKS, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


async def test_discovery_points_at_the_public_addresses(client: httpx.AsyncClient, settings: Settings) -> None:
    answer = await client.get("/.well-known/openid-configuration")
    assert answer.headers["cache-control"] == "public, max-age=300"
    document = answer.json()
    assert document["issuer"] == settings.token_issuer
    assert document["jwks_uri"] == f"{settings.token_issuer}{JWKS}"
    assert document["token_endpoint"] == f"{settings.token_issuer}/api/v1/auth/token"


@pytest.fixture
async def own_database(settings: Settings) -> Settings:
    """Settings with a database that has no key yet."""
    import auth_service

    url = await testing.create_database(auth_service.__file__, "auth_keys")
    return settings.model_copy(update={"database_url": SecretStr(url)})


@pytest.fixture
def shell(own_database: Settings) -> Shell:
    return Shell(own_database)


async def test_replicas_that_start_together_agree_on_one_key(own_database: Settings) -> None:
    database = Database(own_database, application_name="test")
    replicas = [SigningKeys(own_database.signing_key_secret) for _ in range(10)]
    await asyncio.gather(*(replica.load(database) for replica in replicas))
    await database.close()
    (key,) = replicas[0].jwks()
    assert all(replica.jwks() == [key] for replica in replicas)
    token = replicas[0].sign({"sub": "x"})
    public = await replicas[1].key(key["kid"])
    assert public is not None
    assert jwt.decode(token, public, algorithms=["EdDSA"]) == {"sub": "x"}


async def test_another_secret_is_noticed_at_the_start(own_database: Settings) -> None:
    database = Database(own_database, application_name="test")
    await SigningKeys(own_database.signing_key_secret).load(database)
    with pytest.raises(WrongSigningKeySecret, match="AUTH_SIGNING_KEY_SECRET"):
        await SigningKeys(SecretStr("another-secret-0123456789-abcdefghij")).load(database)
    await database.close()


async def test_the_private_key_rests_encrypted(app: FastAPI, client: httpx.AsyncClient, sql: Sql) -> None:
    (row,) = await sql("SELECT private_key, public_jwk->>'x' AS x FROM signing_key")
    sealed: bytes = row["private_key"]
    assert len(sealed) == 12 + 32 + 16
    guesses = {sealed[start : start + 32] for start in range(len(sealed) - 31)}
    public = (await client.get(JWKS)).json()["keys"][0]["x"]
    assert public == row["x"]
    assert all(
        jwt.algorithms.OKPAlgorithm.to_jwk(Ed25519PrivateKey.from_private_bytes(guess).public_key(), as_dict=True)["x"]
        != public
        for guess in guesses
    )


async def test_the_rotation_by_hand_is_listed_and_not_begun_twice(own_database: Settings, shell: Shell) -> None:
    listed = await shell.auth("keys", "list")
    assert listed.out == ""  # the service has never started
    database = Database(own_database, application_name="test")
    keys = SigningKeys(own_database.signing_key_secret)
    await keys.load(database)
    rotated = await shell.auth("keys", "rotate")
    assert (rotated.code, rotated.err) == (0, "")
    assert rotated.out.endswith(": published, signs in 600 s\n")
    again = await shell.auth("keys", "rotate")
    assert (again.code, "published already" in again.err) == (1, True)
    lines = (await shell.auth("keys", "list")).out.splitlines()
    assert [line.split("  ")[2] for line in lines] == ["signing", "published, signs later"]
    await keys.load(database)
    assert [key["kid"] for key in keys.jwks()] == [line.split("  ")[0] for line in lines]
    assert jwt.get_unverified_header(keys.sign({}))["kid"] == lines[0].split("  ")[0]
    await database.close()


async def test_a_rotation_is_on_record(own_database: Settings) -> None:
    database = Database(own_database, application_name="test")
    kid = await SigningKeys(own_database.signing_key_secret).rotate(database)
    async with database.transaction() as session:
        (event,) = (await session.execute(text("SELECT kind, user_id, details FROM audit_event"))).all()
    await database.close()
    assert tuple(event) == ("keys.rotated", None, {"kid": kid})


@pytest.mark.parametrize("first", ["load", "rotate"])
async def test_the_release_before_rotation_finds_the_first_key_and_no_other(own_database: Settings, first: str) -> None:
    database = Database(own_database, application_name="test")
    keys = SigningKeys(own_database.signing_key_secret)
    await getattr(keys, first)(database)
    await leap(database, 11)
    await keys.rotate(database)
    async with database.transaction() as session:
        marks = (await session.execute(text("SELECT active FROM signing_key ORDER BY signs_from"))).scalars().all()
    await database.close()
    assert marks == [True, False]


async def test_known_keys_are_read_while_a_rotation_is_under_way(own_database: Settings) -> None:
    database = Database(own_database, application_name="test")
    keys = SigningKeys(own_database.signing_key_secret)
    await keys.load(database)
    async with database.transaction() as session:
        await SigningKeyRepository(session).lock()
        await keys.load(database)  # it would give up after five seconds
    await database.close()


async def test_a_sealed_key_does_not_open_under_the_name_of_another(own_database: Settings) -> None:
    database = Database(own_database, application_name="test")
    keys = SigningKeys(own_database.signing_key_secret)
    await keys.load(database)
    await keys.rotate(database)
    swap = "UPDATE signing_key k SET private_key = o.private_key FROM signing_key o WHERE o.kid <> k.kid"
    async with database.transaction() as session:
        await session.execute(text(swap))
    with pytest.raises(WrongSigningKeySecret):
        await keys.load(database)
    await database.close()


class Replica(SigningKeys):
    """Tells of each time that it has read the keys, or has failed to."""

    def __init__(self, secret: SecretStr) -> None:
        super().__init__(secret)
        self.outcomes: asyncio.Queue[bool] = asyncio.Queue()

    async def load(self, database: Database) -> None:
        known = len(self.jwks())
        try:
            await super().load(database)
        except Exception:
            self.outcomes.put_nowait(False)
            raise
        if len(self.jwks()) != known:
            self.outcomes.put_nowait(True)


async def test_a_replica_follows_a_rotation_also_after_the_database_was_away(
    own_database: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auth_service.services.signing_keys.RELOAD_SECONDS", 0.01)
    database = Database(own_database, application_name="test")
    replica = Replica(own_database.signing_key_secret)
    await replica.load(database)
    assert await replica.outcomes.get()
    following = asyncio.create_task(replica.follow(database))
    async with database.transaction() as session:
        await session.execute(text("ALTER TABLE signing_key RENAME TO away"))
    async with asyncio.timeout(30):
        assert not await replica.outcomes.get()
    async with database.transaction() as session:
        await session.execute(text("ALTER TABLE away RENAME TO signing_key"))
    kid = await SigningKeys(own_database.signing_key_secret).rotate(database)
    async with asyncio.timeout(30):
        while not await replica.outcomes.get():
            pass
    assert await replica.key(kid) is not None
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await database.close()


async def leap(database: Database, minutes: int) -> None:
    """Let time pass for the keys."""
    async with database.transaction() as session:
        statement = text("UPDATE signing_key SET signs_from = signs_from - make_interval(mins => :minutes)")
        await session.execute(statement, {"minutes": minutes})


class Traffic:
    """Clients that sign in once, then refresh and ask without pause, here and at another service."""

    def __init__(self, person: Person, elsewhere: TokenVerifier, clients: int) -> None:
        self._person = person
        self._elsewhere = elsewhere
        self._turned = asyncio.Condition()
        self.turns = [0] * clients
        self.kids: set[str] = set()
        self.running = True

    async def drive(self, number: int) -> None:
        tokens = await self._person.login()
        while self.running:
            refreshed = await self._person.refresh(tokens["refresh_token"])
            assert refreshed.status_code == 200, refreshed.text
            tokens = refreshed.json()
            self.kids.add(jwt.get_unverified_header(tokens["access_token"])["kid"])
            me = await self._person.me(tokens["access_token"])
            assert me.status_code == 200, me.text
            await self._elsewhere.verify(tokens["access_token"])  # raises when it would be a 401
            async with self._turned:
                self.turns[number] += 1
                self._turned.notify_all()

    async def pass_by(self, turns: int) -> None:
        """Wait until every client went round so often again."""
        wanted = [done + turns for done in self.turns]
        async with asyncio.timeout(30), self._turned:
            await self._turned.wait_for(lambda: all(map(ge, self.turns, wanted)))


async def test_a_rotation_under_load_is_seen_by_nobody(own_database: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("servicekit.tokens.REFETCH_SECONDS", 0.0)  # the minute of waiting passes
    async with testing.running(create_app(own_database)) as app, testing.client_of(app) as client:
        database, keys = app.state.database, app.state.signing_keys
        await register(client, "ada@example.com")
        verifier = TokenVerifier(JwksKeys(f"http://test{JWKS}", client), own_database)
        traffic = Traffic(Person(client, "ada@example.com"), verifier, clients=4)
        async with asyncio.TaskGroup() as group:
            for number in range(4):
                group.create_task(traffic.drive(number))
            await traffic.pass_by(2)
            (old,) = traffic.kids

            new = await keys.rotate(database)
            await keys.load(database)
            await traffic.pass_by(2)
            assert traffic.kids == {old}  # published, and not used yet
            assert {key["kid"] for key in keys.jwks()} == {old, new}

            await leap(database, 11)
            await keys.load(database)
            await traffic.pass_by(2)
            assert traffic.kids == {old, new}
            assert {key["kid"] for key in keys.jwks()} == {old, new}  # the old one's tokens still live

            await leap(database, 11)
            await keys.load(database)
            await traffic.pass_by(2)
            traffic.running = False
        assert [key["kid"] for key in keys.jwks()] == [new]
        assert await keys.key(old) is None
