"""``auth create-user`` and ``auth create-admin``, as a shell calls them; and the first admin from the environment."""

import asyncio
import os
import sys
from dataclasses import dataclass

import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from services.auth.tests.conftest import PASSWORD, Person, Sql

from auth_service.main import create_app
from auth_service.settings import Settings
from servicekit import testing

pytestmark = pytest.mark.integration

NEW_PASSWORD = "another easy sentence"


@dataclass(frozen=True)
class Ended:
    """What a command left behind."""

    code: int
    out: str
    err: str


class Shell:
    """Runs the command ``auth`` with the settings of the tests."""

    def __init__(self, settings: Settings, *, database_url: str | None = None) -> None:
        assert settings.mail_dir is not None
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AUTH_")},
            "AUTH_ENVIRONMENT": "test",
            "AUTH_DATABASE_URL": database_url or settings.database_url.get_secret_value(),
            "AUTH_CURSOR_SECRET": testing.TEST_SECRET,
            "AUTH_SIGNING_KEY_SECRET": testing.TEST_SECRET,
            "AUTH_MAIL_DIR": str(settings.mail_dir),
        }

    async def auth(self, *arguments: str, password: str = PASSWORD) -> Ended:
        """Run a command to its end."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "auth_service", *arguments,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env=self._environment,
        )  # fmt: skip
        out, err = await process.communicate(f"{password}\n".encode())
        assert process.returncode is not None
        return Ended(process.returncode, out.decode(), err.decode())


@pytest.fixture
def shell(app: FastAPI, settings: Settings) -> Shell:
    return Shell(settings)


def user(email: str = "ada@example.com", name: str = "Ada") -> list[str]:
    return ["create-user", "--email", email, "--name", name, "--password-stdin"]


async def test_a_user_is_made_once_and_verified(shell: Shell, ada: Person, sql: Sql) -> None:
    await sql("DELETE FROM account")
    made = await shell.auth(*user(" Ada@Example.com"), "--role", "reviewer")
    assert (made.code, made.out, made.err) == (0, "ada@example.com: created\n", "")
    me = (await ada.me((await ada.login())["access_token"])).json()
    assert (me["roles"], me["email_verified"], me["name"]) == (["user", "reviewer"], True, "Ada")

    again = await shell.auth(*user(name="Eve"), "--role", "admin", password=NEW_PASSWORD)
    assert (again.code, again.out) == (0, "ada@example.com: exists already, not changed\n")
    assert (await ada.me((await ada.login())["access_token"])).json() == me


async def test_update_sets_name_password_and_roles_and_ends_sessions(shell: Shell, ada: Person, sql: Sql) -> None:
    before = await ada.login()
    changed = await shell.auth(*user(name="Augusta"), "--role", "admin", "--update", password=NEW_PASSWORD)
    assert (changed.code, changed.out) == (0, "ada@example.com: updated\n")
    me = (await ada.me((await ada.login(NEW_PASSWORD))["access_token"])).json()
    assert (me["roles"], me["email_verified"], me["name"]) == (["user", "admin"], True, "Augusta")
    assert (await ada.refresh(before["refresh_token"])).status_code == 401

    after = await ada.login(NEW_PASSWORD)
    same = await shell.auth(*user(name="Augusta"), "--role", "admin", "--update", password=NEW_PASSWORD)
    assert (same.code, same.out) == (0, "ada@example.com: is just so already\n")
    assert (await ada.refresh(after["refresh_token"])).status_code == 200


async def test_an_admin_has_every_role(shell: Shell, ada: Person, sql: Sql) -> None:
    await sql("DELETE FROM account")
    made = await shell.auth("create-admin", "--email", ada.address, "--password-stdin")
    assert (made.code, made.out) == (0, "ada@example.com: created\n")
    me = (await ada.me((await ada.login())["access_token"])).json()
    assert (me["roles"], me["name"]) == (["user", "reviewer", "admin"], "Administrator")


@pytest.mark.parametrize(
    ("arguments", "password", "code", "text"),
    [
        (user(), "few words", 1, "Error: At least 12 characters are needed.\n"),
        (user(), "ada@example.com", 1, "Error: The e-mail address or the name can't be the password.\n"),
        (user(email="ada"), PASSWORD, 2, "not an e-mail address"),
        (user(name="two\nlines"), PASSWORD, 2, "one line of 1 to 100 characters"),
        ([*user(), "--role", "root"], PASSWORD, 2, "'root' is not one of"),
        (user()[:-1], PASSWORD, 2, "--password-stdin"),
    ],
)
async def test_bad_input_is_a_clear_error(
    shell: Shell, sql: Sql, arguments: list[str], password: str, code: int, text: str
) -> None:
    ended = await shell.auth(*arguments, password=password)
    assert ended.code == code
    assert text in ended.err
    assert "Traceback" not in ended.err
    assert await sql("SELECT 1 FROM account") == []


async def test_a_database_that_is_away_or_empty_is_a_clear_error(settings: Settings) -> None:
    away = await Shell(settings, database_url="postgresql://auth@127.0.0.1:1/auth").auth(*user())
    assert away.code == 1
    assert away.err.startswith("Error: the database can't be reached")
    assert (await Shell(settings, database_url="postgresql://auth@127.0.0.1:1/auth").auth("migrate")).err == away.err
    empty = await Shell(settings, database_url=os.environ["APPRAISE_TEST_POSTGRES_URL"]).auth(*user())
    assert empty.code == 1
    assert "run `migrate`" in empty.err


async def test_the_first_admin_comes_from_the_environment_and_is_never_changed(
    ada: Person, settings: Settings, sql: Sql
) -> None:
    await sql("DELETE FROM account")
    admin = {"admin_email": ada.address, "admin_password": SecretStr(PASSWORD)}
    async with testing.running(create_app(settings.model_copy(update=admin))):
        tokens = await ada.login()
    assert (await ada.me(tokens["access_token"])).json()["roles"] == ["user", "reviewer", "admin"]

    admin = {"admin_email": ada.address, "admin_password": SecretStr(NEW_PASSWORD)}
    async with testing.running(create_app(settings.model_copy(update=admin))):
        assert await ada.login(PASSWORD)
    assert len(await sql("SELECT 1 FROM account")) == 1
