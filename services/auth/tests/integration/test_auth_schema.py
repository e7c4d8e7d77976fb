"""The database holds what must hold, and the migrations make what the models say."""

import asyncio

import asyncpg
import pytest
from alembic import command
from services.auth.tests.conftest import Person, Sql

import auth_service
from servicekit import migrations

pytestmark = pytest.mark.integration


async def test_the_migrations_make_what_the_models_say(database_url: str) -> None:
    config = migrations.config(auth_service.__file__, database_url)
    await asyncio.to_thread(command.check, config)


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE account SET roles = '{}'", "ck_account_roles"),
        ("UPDATE account SET roles = '{admin}'", "ck_account_roles"),
        ("UPDATE account SET roles = '{user,root}'", "ck_account_roles"),
        ("UPDATE account SET email = 'Ada@example.com'", "ck_account_email_lower"),
        ("INSERT INTO account (email, name, password_hash) SELECT email, name, '' FROM account", "uq_account_email"),
        (
            # Sent already or not: a mail that counts as sent keeps no text.
            "UPDATE outbox_mail SET sent_at = now(), text_body = 'x', html_body = 'x'",
            "ck_outbox_mail_body_until_sent",
        ),
        (
            "INSERT INTO signing_key (kid, public_jwk, private_key, active) VALUES ('second', '{}', '', true)",
            "uq_signing_key_active",
        ),
    ],
)
async def test_the_database_refuses(ada: Person, sql: Sql, statement: str, constraint: str) -> None:
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as caught:
        await sql(statement)
    assert caught.value.constraint_name == constraint
