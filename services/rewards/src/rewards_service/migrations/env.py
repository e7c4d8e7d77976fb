"""Alembic's entry point."""

from rewards_service.models import Base
from servicekit.migrations import run_env

run_env(Base.metadata)
