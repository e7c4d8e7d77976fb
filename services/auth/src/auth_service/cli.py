"""The command ``auth``: serving, migrations, and accounts for the people who run the platform."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import click

from auth_service.addresses import normalise_email
from servicekit.cli import service_cli

if TYPE_CHECKING:
    from auth_service.services.staff import Outcome
    from auth_service.settings import Settings
    from servicekit.db import Database

ROLES = ("user", "reviewer", "admin")

main = service_cli("auth_service")


def _email(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    try:
        return normalise_email(value.strip())
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _name(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415 - keeps --help quick

    from auth_service.schemas import Name  # noqa: PLC0415
    from servicekit.schemas import clean_text  # noqa: PLC0415

    try:
        name: str = TypeAdapter(Name).validate_python(clean_text(value))
    except (ValidationError, ValueError) as error:
        raise click.BadParameter("one line of 1 to 100 characters is needed, with something to see") from error
    return name


email_option = click.option("--email", required=True, callback=_email)
password_option = click.option(
    "--password-stdin", is_flag=True, required=True, expose_value=False, help="Read the password from standard input."
)
update_option = click.option("--update", is_flag=True, help="Change an account that exists; else it stays as it is.")


@main.command("create-user")
@email_option
@click.option("--name", required=True, callback=_name)
@click.option("--role", "roles", multiple=True, type=click.Choice(ROLES), help="May be given more than once.")
@password_option
@update_option
def create_user(*, email: str, name: str, roles: tuple[str, ...], update: bool) -> None:
    """Make a verified account. Safe to run again."""
    _ensure(email, name, roles, update=update)


@main.command("create-admin")
@email_option
@click.option("--name", default="Administrator", show_default=True, callback=_name)
@password_option
@update_option
def create_admin(*, email: str, name: str, update: bool) -> None:
    """Make a verified account with every role. Safe to run again."""
    _ensure(email, name, ROLES, update=update)


@main.group("keys")
def keys() -> None:
    """The keys that sign access tokens."""


@keys.command("list")
def list_keys() -> None:
    """Every key, when it signs from, and what it is good for now."""
    from auth_service.repositories.signing_keys import SigningKeyRepository  # noqa: PLC0415 - keeps --help quick
    from auth_service.services.signing_keys import statuses  # noqa: PLC0415

    async def run(database: "Database", _settings: "Settings") -> None:
        async with database.transaction() as session:
            found = statuses(await SigningKeyRepository(session).all())
        for key in found:
            click.echo(f"{key.kid}  {key.signs_from:%Y-%m-%dT%H:%M:%SZ}  {key.state}")

    _with_database(run)


@keys.command("rotate")
@click.option(
    "--lead",
    type=click.IntRange(0, 86_400),
    default=600,
    show_default=True,
    help="Seconds between publishing the key and signing with it. Under 300, clients that cache the key set may fail.",
)
def rotate_keys(*, lead: int) -> None:
    """Publish a new key, which signs after the lead. The old one verifies until its last token has expired."""
    from datetime import timedelta  # noqa: PLC0415 - keeps --help quick

    from auth_service.services.signing_keys import (  # noqa: PLC0415
        RotationUnderWay,
        SigningKeys,
        WrongSigningKeySecret,
    )

    async def run(database: "Database", settings: "Settings") -> None:
        try:
            kid = await SigningKeys(settings.signing_key_secret).rotate(database, lead=timedelta(seconds=lead))
        except RotationUnderWay as error:
            raise click.ClickException("a new key is published already and does not sign yet: wait for it") from error
        except WrongSigningKeySecret as error:
            raise click.ClickException(str(error)) from error
        click.echo(f"{kid}: published, signs in {lead} s")

    _with_database(run)


def _with_database(work: "Callable[[Database, Settings], Awaitable[None]]") -> None:
    from auth_service.settings import Settings  # noqa: PLC0415 - keeps --help quick
    from servicekit.db import Database  # noqa: PLC0415
    from servicekit.schema_head import SchemaNotAtHead, require_head  # noqa: PLC0415
    from servicekit.settings import load_settings  # noqa: PLC0415

    settings = load_settings(Settings)

    async def run() -> None:
        database = Database(settings, application_name="auth command line")
        try:
            async with database.engine.connect() as connection:
                await require_head(connection, __file__)
            await work(database, settings)
        finally:
            await database.close()

    try:
        asyncio.run(run())
    except SchemaNotAtHead as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"the database can't be reached: {error}") from error


def _ensure(email: str, name: str, roles: Sequence[str], *, update: bool) -> None:
    from auth_service.settings import Settings  # noqa: PLC0415
    from servicekit.problems import RuleViolation  # noqa: PLC0415
    from servicekit.schema_head import SchemaNotAtHead  # noqa: PLC0415 - keeps --help quick
    from servicekit.settings import load_settings  # noqa: PLC0415

    settings = load_settings(Settings)
    password = sys.stdin.readline().rstrip("\r\n")
    try:
        outcome = asyncio.run(_run(settings, email, name, password, roles, update=update))
    except (RuleViolation, SchemaNotAtHead) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"the database can't be reached: {error}") from error
    click.echo(f"{email}: {outcome}")


async def _run(
    settings: "Settings", email: str, name: str, password: str, roles: Sequence[str], *, update: bool
) -> "Outcome":
    from contextlib import AsyncExitStack  # noqa: PLC0415 - keeps --help quick

    from auth_service.services.passwords import Passwords  # noqa: PLC0415
    from auth_service.services.staff import Staff  # noqa: PLC0415
    from servicekit.db import Database  # noqa: PLC0415
    from servicekit.schema_head import require_head  # noqa: PLC0415

    async with AsyncExitStack() as stack:
        database = Database(settings, application_name="auth command line")
        stack.push_async_callback(database.close)
        async with database.engine.connect() as connection:
            await require_head(connection, __file__)
        passwords = Passwords()
        stack.callback(passwords.close)
        staff = Staff(database, passwords)
        return await staff.ensure(email=email, name=name, password=password, roles=roles, update=update)
