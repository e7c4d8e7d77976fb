"""The migrations: from nothing to head, and no difference from the models."""

import asyncio

import pytest
from alembic import command

import rewards_service
from servicekit import migrations

pytestmark = pytest.mark.integration


async def test_models_and_migrations_agree(database_url: str) -> None:
    await asyncio.to_thread(command.check, migrations.config(str(rewards_service.__file__), database_url))
