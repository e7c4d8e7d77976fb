"""Tokens of an ended session are refused as soon as auth says so, and stay refused while auth is away."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from servicekit import testing
from servicekit.problems import InvalidToken
from servicekit.revocations import Follower, Revocation, RevocationPage, Revocations, following, http_feed
from servicekit.settings import ApiSettings
from servicekit.tokens import TokenVerifier

FEED = "http://auth/internal/revocations"
SETTINGS = ApiSettings.example()
USER = UUID("0190a1b2-0000-7000-8000-000000000000")


class Auth:
    """The side of auth: a list that can be away."""

    def __init__(self) -> None:
        self.entries: list[Revocation] = []
        self.asked: list[int] = []
        self.away = False
        app = FastAPI()

        @app.get("/internal/revocations")
        async def revocations(since: int) -> RevocationPage:
            self.asked.append(since)
            if self.away:
                raise RuntimeError("away")
            return RevocationPage(items=self.entries[since:], last=max(since, len(self.entries)))

        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport)

    def revoke(self, *, seconds: float = 600) -> UUID:
        session_id = uuid4()
        expires_at = datetime.now(UTC) + timedelta(seconds=seconds)
        self.entries.append(Revocation(session_id=session_id, expires_at=expires_at))
        return session_id


@pytest.fixture
def auth() -> Auth:
    return Auth()


@pytest.fixture
def revocations() -> Revocations:
    return Revocations()


@pytest.fixture
def follower(auth: Auth, revocations: Revocations) -> Follower:
    return Follower(revocations, http_feed(auth.client, FEED))


async def test_it_asks_for_what_is_new_only(auth: Auth, follower: Follower, revocations: Revocations) -> None:
    first = auth.revoke()
    await follower.poll()
    second = auth.revoke()
    assert first in revocations
    assert second not in revocations
    await follower.poll()
    await follower.poll()
    assert first in revocations
    assert second in revocations
    assert auth.asked == [0, 1, 2]
    assert uuid4() not in revocations


async def test_while_auth_is_away_what_is_known_stays_and_one_warning_is_logged(
    auth: Auth, follower: Follower, revocations: Revocations
) -> None:
    known = auth.revoke()
    await follower.poll()
    auth.away = True
    with capture_logs() as logs:
        for _ in range(5):
            await follower.poll()
    assert [(entry["log_level"], entry["event"]) for entry in logs] == [("warning", "revocations.unreachable")]
    assert known in revocations

    auth.away = False
    new = auth.revoke()
    with capture_logs() as logs:
        await follower.poll()
        await follower.poll()
    assert [entry["event"] for entry in logs] == ["revocations.reachable"]
    assert new in revocations


async def test_after_an_outage_it_reads_the_whole_list_again(
    auth: Auth, follower: Follower, revocations: Revocations
) -> None:
    for _ in range(3):
        auth.revoke()
    await follower.poll()
    auth.away = True
    await follower.poll()
    auth.away, auth.entries = False, []  # auth came back from a backup: its numbers begin again
    restored = auth.revoke()
    await follower.poll()
    assert restored in revocations


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"items": [{"session_id": "x"}], "last": 1}', b"<html>"])
async def test_a_nonsense_answer_counts_as_away(revocations: Revocations, body: bytes) -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, content=body))
    async with httpx.AsyncClient(transport=transport) as client:
        with capture_logs() as logs:
            await Follower(revocations, http_feed(client, FEED)).poll()
    assert [entry["event"] for entry in logs] == ["revocations.unreachable"]


async def test_what_expired_is_forgotten(auth: Auth, follower: Follower, revocations: Revocations) -> None:
    old, young = auth.revoke(seconds=-1), auth.revoke()
    await follower.poll()
    assert old not in revocations
    assert young in revocations


@pytest.mark.parametrize(("later", "known"), [(-1, True), (0, False), (1, False)])
def test_a_session_is_known_until_its_last_token_has_expired(
    revocations: Revocations, monkeypatch: pytest.MonkeyPatch, later: int, known: bool
) -> None:
    session_id, end = uuid4(), datetime(2026, 3, 1, tzinfo=UTC)
    revocations.add(session_id, end)
    monkeypatch.setattr("servicekit.revocations.time", SimpleNamespace(time=lambda: end.timestamp() + later))
    revocations.forget_expired()
    assert (session_id in revocations) is known


async def test_the_first_poll_comes_before_the_first_request_and_the_task_ends(
    auth: Auth, revocations: Revocations
) -> None:
    ended = auth.revoke()
    before = asyncio.all_tasks()  # an application of another test may follow a feed of its own
    async with following(revocations, http_feed(auth.client, FEED)):
        assert ended in revocations
        (task,) = [task for task in asyncio.all_tasks() - before if task.get_name() == "revocations"]
    assert task.done()


async def test_who_follows_asks_again_and_again(revocations: Revocations, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("servicekit.revocations.POLL_SECONDS", 0.0)
    asked: asyncio.Queue[int] = asyncio.Queue()

    async def feed(since: int) -> RevocationPage:
        asked.put_nowait(since)
        return RevocationPage(items=[], last=since + 1)

    async with following(revocations, feed), asyncio.timeout(30):
        assert [await asked.get() for _ in range(3)] == [0, 1, 2]


async def test_an_answer_is_waited_for_two_seconds() -> None:
    patience: list[object] = []

    def answer(request: httpx.Request) -> httpx.Response:
        patience.append(request.extensions["timeout"])
        return httpx.Response(200, json={"items": [], "last": 0})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        await http_feed(client, FEED)(0)
    assert patience == [dict.fromkeys(("connect", "read", "write", "pool"), 2.0)]


async def test_auth_that_is_away_stops_nobody_from_starting(auth: Auth, revocations: Revocations) -> None:
    auth.away = True
    async with following(revocations, http_feed(auth.client, FEED)):
        assert auth.asked == [0]


async def test_a_known_token_is_refused_once_its_session_has_ended(revocations: Revocations) -> None:
    token, other = (testing.make_token(USER, ["user"], SETTINGS) for _ in range(2))
    verifier = TokenVerifier(testing.test_keys(), SETTINGS, revocations)
    principal = await verifier.verify(token)
    assert await verifier.verify(token) is principal

    revocations.add(principal.session_id, datetime.now(UTC) + timedelta(minutes=11))

    with pytest.raises(InvalidToken):
        await verifier.verify(token)
    assert (await verifier.verify(other)).user_id == USER
    with pytest.raises(InvalidToken):
        await TokenVerifier(testing.test_keys(), SETTINGS, revocations).verify(token)
