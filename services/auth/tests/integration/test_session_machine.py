"""Sessions against a model: whatever the order of sign-ins, refreshes, retries, reuses and ends, both agree."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from services.auth.tests.conftest import Person, register

import auth_service
from auth_service.main import create_app
from auth_service.settings import Settings
from servicekit import testing

pytestmark = pytest.mark.integration

PICK = st.integers(min_value=0, max_value=1_000)


@dataclass
class Session:
    """What a client knows of one of its sessions."""

    access: str
    refresh: str
    alive: bool = True
    recent: dict[str, str] = field(default_factory=dict)  # spent within the grace: its successor
    old: list[str] = field(default_factory=list)  # spent longer ago


class World:
    """One running service for all runs of the machine."""

    def __init__(self, runner: asyncio.Runner, folder: Path) -> None:
        self._runner = runner
        self._folder = folder
        self.url = runner.run(testing.create_database(auth_service.__file__, "auth_machine"))

    async def open(self, stack: Any) -> None:
        """Start the service."""
        values = {
            "environment": "test", "database_url": self.url, "cursor_secret": testing.TEST_SECRET,
            "signing_key_secret": testing.TEST_SECRET, "mail_dir": self._folder,
        }  # fmt: skip
        app = await stack.enter_async_context(testing.running(create_app(Settings.model_validate(values))))
        self.client: httpx.AsyncClient = await stack.enter_async_context(testing.client_of(app))
        await register(self.client, "ada@example.com")
        self.ada = Person(self.client, "ada@example.com")

    def run(self, coroutine: Any) -> Any:
        """Do it now."""
        return self._runner.run(coroutine)

    async def let_time_pass(self) -> None:
        """Eleven seconds: longer than the grace of a retry."""
        connection = await asyncpg.connect(self.url)
        await connection.execute("UPDATE refresh_token SET spent_at = spent_at - interval '11 seconds'")
        await connection.close()


def machine(world: World) -> type[RuleBasedStateMachine]:  # noqa: C901 # its rules are many and small
    """The machine that plays in this world."""

    class Sessions(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.sessions: list[Session] = []

        def pick(self, number: int) -> Session:
            return self.sessions[number % len(self.sessions)]

        def refresh(self, token: str) -> httpx.Response:
            answer: httpx.Response = world.run(world.ada.refresh(token))
            return answer

        @initialize()
        def first(self) -> None:
            self.login()

        @rule()
        @precondition(lambda self: len(self.sessions) < 4)
        def login(self) -> None:
            tokens = world.run(world.ada.login())
            self.sessions.append(Session(tokens["access_token"], tokens["refresh_token"]))

        @rule(number=PICK)
        def use(self, number: int) -> None:
            session = self.pick(number)
            answer = self.refresh(session.refresh)
            if not session.alive:
                assert answer.json()["code"] == "invalid-refresh-token"
                return
            assert answer.status_code == 200
            session.recent[session.refresh] = answer.json()["refresh_token"]
            session.access, session.refresh = answer.json()["access_token"], answer.json()["refresh_token"]

        @rule(number=PICK)
        def retry(self, number: int) -> None:
            session = self.pick(number)
            for token, successor in session.recent.items():
                answer = self.refresh(token)
                if session.alive:
                    assert answer.json()["refresh_token"] == successor
                else:
                    assert answer.json()["code"] == "invalid-refresh-token"

        @rule()
        def let_time_pass(self) -> None:
            world.run(world.let_time_pass())
            for session in self.sessions:
                session.old += session.recent
                session.recent.clear()

        @rule(number=PICK)
        def reuse(self, number: int) -> None:
            session = self.pick(number)
            for token in session.old[-1:]:
                assert self.refresh(token).json()["code"] == "refresh-reused"
                session.alive = False

        @rule(number=PICK)
        def logout(self, number: int) -> None:
            session = self.pick(number)
            answer = world.run(world.ada.call("POST", "/auth/logout", {"access_token": session.access}))
            assert answer.status_code == (204 if session.alive else 401)
            session.alive = False

        @rule(number=PICK)
        def end_others(self, number: int) -> None:
            session = self.pick(number)
            answer = world.run(world.ada.call("DELETE", "/users/me/sessions", {"access_token": session.access}))
            assert answer.status_code == (204 if session.alive else 401)
            if session.alive:
                for other in self.sessions:
                    other.alive = other is session

        @invariant()
        def access_tokens_work_just_as_long_as_their_session(self) -> None:
            for session in self.sessions:
                assert world.run(world.ada.me(session.access)).status_code == (200 if session.alive else 401)

    return Sessions


def test_the_service_does_as_the_model(tmp_path: Path) -> None:
    from contextlib import AsyncExitStack

    with asyncio.Runner() as runner:
        world = World(runner, tmp_path)
        stack = AsyncExitStack()
        runner.run(world.open(stack))
        try:
            run_state_machine_as_test(
                machine(world),
                settings=settings(
                    max_examples=12,
                    stateful_step_count=15,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                    database=None,
                ),
            )
        finally:
            runner.run(stack.aclose())
